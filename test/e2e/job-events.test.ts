import { afterAll, beforeAll, expect, test } from "vitest";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { followJob } from "./kit/event-stream.ts";
import { addTenant } from "./kit/second-tenant.ts";
import { chatJob } from "./kit/submit.ts";
import { until } from "./kit/until.ts";

const config = `
version: 1
providers:
  narrow: { kind: simulator, ttft_ms: 6000, tokens_per_second: 5000, concurrency: 1 }
pools:
  narrow: { targets: [{ id: narrow, provider: narrow, model: sim-70b, limits: { concurrency: 1 } }] }
models:
  auto: { pools: [narrow] }
`;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
});
afterAll(() => cluster?.stop());

const place = () => ({ url: cluster.url, key: adminKey });
const submit = async (index: number, headers: Record<string, string> = {}) =>
  cluster.api.post("/v1/jobs", chatJob({ model: "auto", index, maxTokens: 20 }), headers);
const read = (id: string, headers: Record<string, string> = {}, query = "") =>
  cluster.api.get(`/v1/jobs/${id}/events${query}`, headers);

test("a stream that an API's death or restart breaks is resumed with no event lost or twice, and ends after the last one", async () => {
  const first = (await submit(1)).body.id;
  const second = (await submit(2)).body.id;
  const killed: string[] = [];
  const { events, connections } = await followJob(place(), second, async ({ data }) => {
    // Once while it waits, without warning; once while it runs, as an upgrade does.
    if (killed.includes(data.status) || (data.status !== "queued" && data.status !== "running")) return;
    killed.push(data.status);
    await cluster.supervised.kill("api", data.status === "queued" ? "SIGKILL" : "SIGTERM");
  });
  expect(killed).toEqual(["queued", "running"]);
  expect(connections).toBeGreaterThanOrEqual(3);
  expect(events.map(({ data }) => data.status).filter((status) => status !== "waiting")).toEqual([
    "queued",
    "running",
    "succeeded",
  ]);
  const ids = events.map(({ id }) => Number(id));
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  // Who comes late reads the same story.
  expect((await followJob(place(), second)).events).toEqual(events);
  const job = (await cluster.api.get(`/v1/jobs/${second}`)).body;
  expect(events.at(0)?.data.at).toBe(job.created_at);
  expect(events.at(-1)).toMatchObject({
    event: "job.succeeded",
    data: { at: job.finished_at, job_id: second },
  });
  expect((await followJob(place(), first)).events.at(-1)?.data.status).toBe("succeeded");

  const last = `${ids.at(-1)}`;
  expect((await read(second, { "last-event-id": last })).status).toBe(204);
  expect((await read(second, {}, `?after=${ids[0]}`)).text).not.toContain("job.queued");
  expect(await read(second, { "last-event-id": "x" })).toMatchObject({
    status: 400,
    body: { error: { param: "Last-Event-ID" } },
  });
  const stranger = await addTenant(cluster, "acme");
  expect((await stranger.get(`/v1/jobs/${second}/events`)).status).toBe(404);
  const attempts = (await cluster.api.get(`/v1/jobs/${second}/attempts`)).body.data;
  expect(attempts).toMatchObject([{ number: 1, target: "narrow", outcome: "succeeded" }]);
});

test("fifty equal submissions at once make one job", async () => {
  const key = { "idempotency-key": "fifty" };
  const answers = await Promise.all(Array.from({ length: 50 }, () => submit(50, key)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers.get("idempotent-replayed") === null)).toHaveLength(1);
});

test("a result can be judged once its job has ended, by its tenant, and the newest word counts", async () => {
  const { id } = (await submit(3)).body;
  const judge = (body: unknown, caller = cluster.api) => caller.post(`/v1/jobs/${id}/feedback`, body);
  expect(await judge({ score: 1 })).toMatchObject({ status: 409, body: { error: { code: "not_ended" } } });
  await until("the job ends", async () => {
    const { body } = await cluster.api.get(`/v1/jobs/${id}?wait=60`);
    return body.finished_at;
  });
  expect((await cluster.api.get(`/v1/jobs/${id}/feedback`)).status).toBe(404);
  expect(await judge({ score: 0.25, labels: ["too short"] })).toMatchObject({
    status: 200,
    body: { object: "job.feedback", job_id: id, score: 0.25, labels: ["too short"] },
  });
  const last = await judge({ score: 0.75, labels: { tone: "kind" } });
  expect((await cluster.api.get(`/v1/jobs/${id}/feedback`)).body).toEqual(last.body);
  expect(last.body).toMatchObject({ score: 0.75, labels: { tone: "kind" } });
  for (const score of [-0.1, 1.1, "1", null])
    expect(await judge({ score })).toMatchObject({ status: 400, body: { error: { param: "score" } } });
  expect((await judge({ score: 1 }, await addTenant(cluster, "other"))).status).toBe(404);
});
