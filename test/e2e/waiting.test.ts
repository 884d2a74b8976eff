import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { until } from "./kit/until.ts";
import { workersTotal } from "./kit/worker-metrics.ts";

const config = `
version: 1
providers:
  full: { kind: simulator, ttft_ms: 3000, tokens_per_second: 5000, concurrency: 1 }
  free: { kind: simulator, ttft_ms: 10, tokens_per_second: 5000 }
pools:
  full: { targets: [{ id: full, provider: full, model: sim-70b }] }
  free: { targets: [{ id: free, provider: free, model: sim-8b }] }
models:
  auto: { pools: [full, free] }
  other: { pools: [full] }
`;
/** Many times what the full target's window holds. */
const ahead = 200;
const behind = 50;
/** The least that a window holds. */
const places = 16;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
});
afterAll(() => cluster?.stop());

async function submit(model: string, pool: string, more: object): Promise<string> {
  const answer = await cluster.api.post("/v1/jobs", {
    endpoint: "/v1/chat/completions",
    body: { model, messages: [{ role: "user", content: "Name three rivers." }], max_tokens: 20 },
    routing: { pools: [pool] },
    ...more,
  });
  expect(answer.status).toBe(202);
  return answer.body.id;
}

function submitMany(count: number, pool: string, more: object): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => submit("auto", pool, more)));
}

async function callsOf(name: string) {
  return (await cluster.simulators[name]?.calls()) ?? [];
}

/** How often workers have put a job back because nothing had room. */
const timesHeld = () => workersTotal(cluster, "sluice_jobs_held_total");

test("jobs that only a full target can serve wait, hold nobody back, seldom ask, and go by urgency across lanes", async () => {
  const blocked = await submitMany(ahead, "full", { deadline: "1h" });
  const passing = await submitMany(behind, "free", { deadline: "2h" });
  const served = await until("the jobs behind have all been called", async () => {
    const calls = (await callsOf("free")).filter(({ status }) => status === 200);
    return calls.length >= behind ? calls.map((call) => call.x_sluice_job_id) : undefined;
  });
  expect(served.toSorted()).toEqual(passing.toSorted());
  expect((await callsOf("full")).length).toBeLessThan(ahead);

  await until("the full target's window is parked", async () =>
    (await timesHeld()) >= places - 2 ? true : undefined,
  );
  const held = await until("a job says what it waits for", async () => {
    const { body } = await cluster.api.get("/v1/jobs?status=waiting&limit=100");
    return body.data.find((job: { waiting_for?: string }) => job.waiting_for !== undefined);
  });
  expect(blocked).toContain(held.id);
  expect(held).toMatchObject({ status: "waiting", attempts: 0 });
  expect(held.waiting_for).toMatch(/^(target|tenant)\./);
  expect(Date.parse(held.not_before)).toBeGreaterThan(Date.parse(held.created_at));
  const { windows } = (await cluster.api.get("/v1/lanes")).body;
  const [window] = windows.filter(({ targets }: { targets: string[] }) => targets.join() === "full");
  expect(window).toMatchObject({ places, running: 1, backlog: { tenants: 1 } });
  expect(window.backlog.jobs).toBeGreaterThan(ahead / 2);
  expect(window.jobs).toBeLessThanOrEqual(places);
  const before = (await callsOf("full")).length;
  const urgent = await submit("other", "full", { deadline: "10m" });
  await until("some more calls have begun", async () =>
    (await callsOf("full")).length >= before + 6 ? true : undefined,
  );
  const order = (await callsOf("full")).map((call) => call.x_sluice_job_id);
  // The call that ran, and one that had its room already.
  expect(order.indexOf(urgent)).toBeLessThanOrEqual(before + 2);
  expect(order.indexOf(urgent)).toBeGreaterThanOrEqual(0);
  expect(blocked).toEqual(expect.arrayContaining(order.filter((id) => id !== urgent)));
  // Each of the window's asked once to be parked; then those whose place came free, and few that looked by themselves.
  const fed = (await callsOf("full")).length + 2 * places;
  expect(await timesHeld()).toBeLessThanOrEqual(3 * fed);
});
