import { afterAll, beforeAll, expect, test } from "vitest";
import { batchLine, promptLines, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { addTenant } from "./kit/second-tenant.ts";
import { until } from "./kit/until.ts";

const config = `
version: 1
providers:
  narrow: { kind: simulator, ttft_ms: 1500, tokens_per_second: 5000, concurrency: 2 }
pools:
  narrow: { targets: [{ id: narrow, provider: narrow, model: sim-70b }] }
models:
  auto: { pools: [narrow] }
  gpt-4o-mini: { pools: [narrow] }
`;
const secretWord = "Rumpelstiltskin";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config, workers: 1 });
});
afterAll(() => cluster?.stop());

const login = (password: string) => ({
  authorization: `Basic ${Buffer.from(`operator:${password}`).toString("base64")}`,
});

/** Asks the board to pause a lane. */
const pause = (headers: Record<string, string>) =>
  fetch(`${cluster.url}/queues/api/queues/lane.auto/pause`, { method: "PUT", headers });

test("the board asks for an admin key, also before its actions", async () => {
  const { api } = cluster;
  const other = await addTenant(cluster, "acme");
  const tries: [string, Promise<{ status: number; headers: Headers }>][] = [
    ["no login", api.get("/queues", { authorization: "" })],
    ["a bearer key", api.get("/queues/api/queues")],
    ["a wrong password", api.get("/queues/api/queues", login("sk-of-somebody-else-entirely"))],
    ["a member's key", other.get("/queues", { authorization: "" })],
    ["an action without login", pause({})],
  ];
  for (const [what, asking] of tries) expect([what, (await asking).status]).toEqual([what, 401]);
  const asked = await api.get("/queues", { authorization: "" });
  expect(asked.headers.get("www-authenticate")).toMatch(/^Basic /);
  // The browser sends the login by itself, also with a form of another site.
  expect((await pause({ ...login(adminKey), "sec-fetch-site": "cross-site" })).status).toBe(403);
  const page = await api.get("/queues", login(adminKey));
  expect(page.status).toBe(200);
  expect(page.headers.get("content-type")).toMatch(/html/);
  expect(page.headers.get("content-security-policy")).toBe("frame-ancestors 'none'");
});

test("the board shows lanes by their model's name, with counts, and jobs without prompts", async () => {
  const { api, openai } = cluster;
  const lines = promptLines(12, { model: "auto" });
  const hidden = batchLine("hidden", { model: "auto", content: `${secretWord} has no name.` });
  const id = await startBatch(api, toJsonl([...lines, hidden]));
  const read = async (status: string) =>
    (
      await api.get(
        `/queues/api/queues?activeQueue=lane.auto&status=${status}&jobsPerPage=100`,
        login(adminKey),
      )
    ).body.queues as {
      name: string;
      counts: Record<string, number>;
      jobs: { id: string; data: object }[];
    }[];
  const lane = await until("calls are in flight and others wait", async () => {
    const auto = (await read("latest")).find((queue) => queue.name === "lane.auto");
    const { active = 0, delayed = 0, prioritized = 0, waiting = 0 } = auto?.counts ?? {};
    return active > 0 && delayed + prioritized + waiting > 0 ? auto : undefined;
  });
  const names = (await read("latest")).map((queue) => queue.name);
  expect(names).toEqual(["lane.auto", "lane.gpt-4o-mini", "batches", "dead-letter", "delivery"]);
  expect(lane.jobs.length).toBeGreaterThan(0);
  for (const one of lane.jobs)
    expect(one).toMatchObject({ id: expect.stringMatching(/^job_/), data: { v: 1 } });

  await untilEnded(openai, id);
  const seen = await Promise.all(
    ["latest", "active", "waiting", "prioritized", "delayed", "completed", "failed"].map(read),
  );
  expect(seen.some((queues) => queues.some((queue) => queue.jobs.length > 0))).toBe(true);
  expect(JSON.stringify(seen)).not.toContain(secretWord);
});
