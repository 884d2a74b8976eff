import { afterAll, beforeAll, expect, test } from "vitest";
import { testContext } from "../../apps/cli/src/fake-api.fixture.ts";
import { runProgram } from "../../apps/cli/src/program.ts";
import { batchLine, readResults, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { type MoodyUpstream, startMoodyUpstream } from "./kit/moody-upstream.ts";
import { addTenant } from "./kit/second-tenant.ts";
import { until } from "./kit/until.ts";

let mended = false;
let upstream: MoodyUpstream;
let cluster: TestCluster;

// Targets of their own, so that no test waits for what another has made of one.
const configOf = (url: string) => `
version: 1
providers:
  own: { kind: openai, base_url: "${url}" }
pools:
  main:
    targets: [{ id: main, provider: own, model: moody, price: { input: 1, output: 2 } }]
  first: { targets: [{ id: first, provider: own, model: moody }] }
  second: { targets: [{ id: second, provider: own, model: moody }] }
  third: { targets: [{ id: third, provider: own, model: moody }] }
  grumpy: { targets: [{ id: grumpy, provider: own, model: grumpy }] }
models:
  auto: { pools: [main] }
  first: { pools: [first] }
  second: { pools: [second] }
  third: { pools: [third] }
  both: { pools: [grumpy, main] }
retry: { max_attempts: 2, base: 50ms, max: 200ms }
`;

beforeAll(async () => {
  upstream = await startMoodyUpstream((body, before) => {
    if (body.includes("holds")) return "hold";
    if (body.includes("hopeless") || body.includes('"grumpy"')) return { status: 500 };
    if (body.includes("throttles") && before === 0) return { status: 429, headers: { "retry-after": "5" } };
    return body.includes("breaks") && !mended ? { status: 503 } : { status: 200 };
  });
  cluster = await startTestCluster({ config: configOf(upstream.url), workers: 1 });
});
afterAll(async () => {
  upstream?.release();
  await cluster?.stop();
  upstream?.close();
});

const line = (id: string) => batchLine(id, { model: "auto", content: `Line ${id}.`, maxTokens: 10 });

/** Asks the board of lanes and queues. */
async function board(method: "GET" | "PUT", path: string) {
  const login = Buffer.from(`operator:${adminKey}`).toString("base64");
  const headers = { authorization: `Basic ${login}` };
  const answer = await fetch(`${cluster.url}/queues/api/queues${path}`, { method, headers });
  // biome-ignore lint/suspicious/noExplicitAny: the board's own shape.
  return { status: answer.status, body: (await answer.json().catch(() => undefined)) as any };
}

/** The ids that a queue of the board shows in a status. */
async function shown(queue: string, status: string): Promise<string[]> {
  const { body } = await board("GET", `?activeQueue=${queue}&status=${status}&jobsPerPage=100`);
  const found = body.queues.find(({ name }: { name: string }) => name === queue);
  return found.jobs.map(({ id }: { id: string }) => id);
}

async function submit(model: string, prompt: string, more: object = {}): Promise<string> {
  const body = { model, messages: [{ role: "user", content: prompt }], max_tokens: 10 };
  const accepted = await cluster.api.post("/v1/jobs", { endpoint: "/v1/chat/completions", body, ...more });
  expect(accepted.status).toBe(202);
  return accepted.body.id;
}

const untilFinished = (id: string) =>
  until(`${id} ends`, async () => {
    const { body } = await cluster.api.get(`/v1/jobs/${id}?wait=30`);
    return body.finished_at === undefined ? undefined : body;
  });

test("dead lines of a running batch are redriven once the cause is mended, and answer their lines", async () => {
  const { api, openai } = cluster;
  const names = ["fine", "holds", "breaks-1", "breaks-2", "breaks-3"];
  const id = await startBatch(api, toJsonl(names.map(line)));
  const dead = await until("three lines are dead", async () => {
    const { body } = await api.get(`/v1/dead-letters?batch_id=${id}`);
    return body.data.length === 3 ? body.data : undefined;
  });
  expect(dead[0]).toMatchObject({
    object: "dead_letter",
    cause: "attempts_exhausted: overloaded 503",
    calls: [{ outcome: "overloaded", status_code: 503, count: 2 }],
    target: "main",
    batch_id: id,
    error: { code: "attempts_exhausted" },
  });
  const groups = (await api.get("/v1/dead-letters?group_by=cause")).body.data;
  expect(groups).toMatchObject([
    { cause: "attempts_exhausted: overloaded 503", model: "auto", target: "main", count: 3 },
  ]);
  expect(groups[0].sample_ids).toHaveLength(3);
  const before = await openai.batches.retrieve(id);
  expect((await readResults(openai, before)).errors).toHaveLength(3);

  const filter = { batch_id: id, cause: "attempts_exhausted" };
  const dry = await api.post("/v1/dead-letters/redrive", { filter, dry_run: true });
  expect(dry.body).toMatchObject({ dry_run: true, count: 3, skipped: 0, tokens: { output: 30 } });
  expect(dry.body.cost_usd).toBeCloseTo((dry.body.tokens.input + 2 * 30) / 1e6, 12);

  mended = true;
  const redriven = await api.post("/v1/dead-letters/redrive", { filter });
  expect(redriven.body).toMatchObject({ dry_run: false, redriven: 3, skipped: 0 });
  expect((await api.post("/v1/dead-letters/redrive", { filter })).body).toMatchObject({ redriven: 0 });
  const [{ from, to }] = redriven.body.jobs;
  expect(await untilFinished(to)).toMatchObject({ status: "succeeded", redriven_from: from, batch_id: id });
  expect((await api.get(`/v1/jobs/${from}`)).body).toMatchObject({ status: "dead", redriven_as: to });
  expect((await openai.batches.retrieve(id)).status).toBe("in_progress");

  upstream.release();
  const batch = await untilEnded(openai, id);
  expect(batch).toMatchObject({ status: "completed", request_counts: { total: 5, completed: 5, failed: 0 } });
  expect(batch.error_file_id).toBeNull();
  const { output } = await readResults(openai, batch);
  expect(output.map((one) => one.custom_id).sort()).toEqual(names.toSorted());
  expect(output.every((one) => one.response?.status_code === 200)).toBe(true);
  expect((await api.get("/v1/dead-letters")).body.data).toEqual([]);
  expect(await shown("dead-letter", "waiting")).toEqual([]);
});

test("filters and wishes that make no sense name their field, and dead letters are their tenant's", async () => {
  const { api } = cluster;
  const wrong: [object, string][] = [
    [{}, "filter"],
    [{ filter: { ids: ["job_1"] } }, "filter.ids[0]"],
    [{ filter: { batch_id: "b" } }, "filter.batch_id"],
    [{ filter: { since: "yesterday" } }, "filter.since"],
    [{ filter: { modle: "auto" } }, "filter.modle"],
    [{ filter: {}, routing: { pools: ["mian"] } }, "routing.pools[0]"],
    [{ filter: {}, deadline: "never" }, "deadline"],
  ];
  for (const [body, param] of wrong) {
    const answer = await api.post("/v1/dead-letters/redrive", body);
    expect([answer.status, answer.body.error.param]).toEqual([400, param]);
  }
  const misgrouped = await api.get("/v1/dead-letters?group_by=day");
  expect([misgrouped.status, misgrouped.body.error.param]).toEqual([400, "group_by"]);

  const id = await submit("first", "This one is hopeless.");
  expect(await untilFinished(id)).toMatchObject({ status: "dead" });
  const other = await addTenant(cluster, "acme");
  expect((await other.get("/v1/dead-letters")).body.data).toEqual([]);
  const foreign = await other.post("/v1/dead-letters/redrive", { filter: { ids: [id] } });
  expect(foreign.body).toMatchObject({ redriven: 0 });
  const asked = await other.get("/v1/dead-letters?tenant=default");
  expect([asked.status, asked.body.error.param]).toEqual([403, "tenant"]);
  expect((await other.get("/v1/lanes")).status).toBe(403);
  expect((await api.get("/v1/dead-letters?since=1h&model=first")).body.data).toMatchObject([{ id }]);
});

test("the lanes show what waits in them and behind them", async () => {
  const { body } = await cluster.api.get("/v1/lanes");
  expect(body.data.map((lane: { model: string }) => lane.model)).toEqual([
    "auto",
    "first",
    "second",
    "third",
    "both",
  ]);
  expect(body.data[0]).toMatchObject({
    object: "lane",
    lane: { waiting: 0, active: 0 },
    backlog: { jobs: 0, tokens: 0 },
    oldest_queued_at: null,
  });
});

test("the API's description has these routes with their parameters", async () => {
  const { paths } = (await cluster.api.get("/openapi.json")).body;
  const names = paths["/v1/dead-letters"].get.parameters.map((parameter: { name: string }) => parameter.name);
  expect(names).toEqual(expect.arrayContaining(["after", "group_by", "model", "batch_id", "cause", "since"]));
  const { schema } = paths["/v1/dead-letters/redrive"].post.requestBody.content["application/json"];
  expect(Object.keys(schema.properties)).toEqual(["filter", "routing", "deadline", "dry_run"]);
  expect(paths["/v1/lanes"].get.summary).toMatch(/lane/);
});

/** Runs one command of the CLI against the cluster and answers what it wrote. */
async function sluice(...args: string[]): Promise<string> {
  const context = testContext({ SLUICE_URL: cluster.url, SLUICE_API_KEY: adminKey });
  try {
    expect([await runProgram(context, args), context.written().err]).toEqual([0, ""]);
    return context.written().out;
  } finally {
    context.remove();
  }
}

test("the command shows why jobs died and moves them to another pool", async () => {
  const id = await submit("both", "Where to?", { routing: { pools: ["grumpy"] } });
  expect(await untilFinished(id)).toMatchObject({ status: "dead", target: "grumpy" });
  expect(await sluice("dead-letters", "--model", "both")).toContain("attempts_exhausted, overloaded 500 ×2");
  expect(await sluice("dead-letters", "--model", "both", "--group")).toMatch(
    /1 +attempts_exhausted: overloaded 500 +both +grumpy/,
  );
  const redrive = ["redrive", "--model", "both", "--since", "1h", "--to-pool", "main"];
  expect(await sluice(...redrive, "--dry-run")).toMatch(
    /^would redrive 1 job: \d+ tokens in, 10 out, about \$0\.0000/,
  );
  const { jobs } = JSON.parse(await sluice(...redrive, "--deadline", "5m", "--json"));
  expect(await untilFinished(jobs[0].to)).toMatchObject({
    status: "succeeded",
    target: "main",
    redriven_from: id,
  });
  expect(await sluice("status", id)).toMatch(new RegExp(`redriven as +${jobs[0].to}`));
  expect(await sluice("lanes")).toMatch(/^LANE .*\nauto +0 +0 +0 +0 +0/);
});

test("the board's retry of a dead job's pointer runs nothing", async () => {
  const id = await submit("second", "Another one that is hopeless on the board.");
  expect(await untilFinished(id)).toMatchObject({ status: "dead", attempts: 2 });
  await until("its pointer is failed", async () =>
    (await shown("lane.second", "failed")).includes(id) ? true : undefined,
  );
  expect((await board("PUT", `/lane.second/${id}/retry`)).status).toBeLessThan(300);
  await until("its pointer has been taken again", async () =>
    (await shown("lane.second", "completed")).includes(id) ? true : undefined,
  );
  expect(upstream.callsWith("hopeless on the board")).toBe(2);
  expect((await cluster.api.get(`/v1/jobs/${id}`)).body).toMatchObject({ status: "dead", attempts: 2 });
});

test("a live job whose pointer is promoted or removed on the board still runs, once", async () => {
  const [promoted, removed] = await Promise.all([
    submit("third", "One throttles."),
    submit("third", "Two throttles too."),
  ]);
  const untilDelayed = (id: string) =>
    until("the pointer is delayed", async () =>
      (await shown("lane.third", "delayed")).includes(id) ? true : undefined,
    );
  await Promise.all([untilDelayed(promoted), untilDelayed(removed)]);
  await board("PUT", `/lane.third/${promoted}/promote`);
  await board("PUT", `/lane.third/${removed}/clean`);
  for (const id of [promoted, removed])
    expect(await untilFinished(id)).toMatchObject({ status: "succeeded", attempts: 1 });
  expect([upstream.callsWith("One throttles"), upstream.callsWith("Two throttles")]).toEqual([2, 2]);
});
