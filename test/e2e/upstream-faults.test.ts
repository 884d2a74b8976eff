import { afterAll, beforeAll, expect, test } from "vitest";
import { batchLine, readResults, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { until } from "./kit/until.ts";

// Two targets on one upstream and under one model name: to the simulator their calls are the same, so that a fault
// that is to happen twice happens once on each.
const config = `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 10, tokens_per_second: 5000 }
pools:
  twins:
    targets:
      - { id: left, provider: sim, model: sim-8b }
      - { id: right, provider: sim, model: sim-8b }
models:
  auto: { pools: [twins] }
retry: { max_attempts: 3, base: 50ms, max: 200ms }
`;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config, workers: 1 });
});
afterAll(() => cluster?.stop());

const withFault = (mark: string) => ({
  endpoint: "/v1/chat/completions",
  body: {
    model: "auto",
    messages: [{ role: "user", content: `${mark} Name three rivers.` }],
    max_tokens: 20,
  },
});

/** Submits a job and reads it, with its attempts, when it has ended. */
async function runJob(job: object) {
  const { api } = cluster;
  const accepted = await api.post("/v1/jobs", job);
  expect(accepted.status).toBe(202);
  const { id } = accepted.body;
  const ended = await until(`${id} ends`, async () => {
    const { body } = await api.get(`/v1/jobs/${id}?wait=60`);
    return body.finished_at === undefined ? undefined : body;
  });
  const attempts = (await api.get(`/v1/jobs/${id}/attempts`)).body.data;
  return { job: ended, attempts };
}

test.each([
  "500*1",
  "503*1",
  "529*1",
  "408*1",
  "reset*1",
  "reset-mid-body*1",
  "truncated-json*1",
  "error-200*1",
])("a call that ends in %s is made again on another target", async (fault) => {
  const { job, attempts } = await runJob(withFault(`[[sim:${fault}]]`));
  expect(job).toMatchObject({ status: "succeeded", attempts: 2, result: { status_code: 200 } });
  expect(attempts).toHaveLength(2);
  expect(new Set(attempts.map((attempt: { target: string }) => attempt.target)).size).toBe(2);
  expect(job.target).toBe(attempts.at(-1).target);
});

test("a call that fails on every target once succeeds at the third attempt", async () => {
  const { job, attempts } = await runJob(withFault("[[sim:500*2]]"));
  expect(job).toMatchObject({ status: "succeeded", attempts: 3 });
  expect(attempts.map((attempt: { status_code: number }) => attempt.status_code)).toEqual([500, 500, 200]);
});

test("waiting as a throttling upstream asks spends no attempt", async () => {
  const { job, attempts } = await runJob({ ...withFault("[[sim:429*1;retry-after=1]]"), max_attempts: 1 });
  expect(job).toMatchObject({ status: "succeeded", attempts: 1 });
  expect(attempts.map((attempt: { outcome: string }) => attempt.outcome)).toEqual(["throttled", "succeeded"]);
});

test.each([400, 413, 415, 422])("an upstream's %s is final: its answer is the result", async (status) => {
  const { job, attempts } = await runJob(withFault(`[[sim:${status}]]`));
  expect(job).toMatchObject({ status: "failed", attempts: 1, result: { status_code: status } });
  expect(job.result.body.error.message).toEqual(expect.any(String));
  expect(attempts).toHaveLength(1);
});

test("a batch in which everything can happen has each line in the right file", async () => {
  const { api, openai } = cluster;
  const say = (mark: string) => ({ model: "auto", content: `${mark} Name three lakes.` });
  const lines = [
    batchLine("plain", say("")),
    batchLine("once", say("[[sim:500*1]]")),
    batchLine("refused", say("[[sim:422]]")),
    batchLine("hopeless", say("[[sim:500]]")),
  ];
  const batch = await untilEnded(openai, await startBatch(api, toJsonl(lines)));
  expect(batch).toMatchObject({ status: "completed", request_counts: { total: 4, completed: 2, failed: 2 } });
  const { output, errors } = await readResults(openai, batch);
  expect(output.map((line) => line.custom_id).sort()).toEqual(["once", "plain"]);
  const byId = Object.fromEntries(errors.map((line) => [line.custom_id, line]));
  expect(byId).toMatchObject({
    refused: { response: { status_code: 422, body: { error: {} } } },
    hopeless: { response: null, error: { code: "attempts_exhausted" } },
  });
});

test("a job that fails at every attempt is dead, and in the dead-letter queue on the board", async () => {
  const { job, attempts } = await runJob(withFault("[[sim:503]]"));
  expect(job).toMatchObject({ status: "dead", attempts: 3, error: { code: "attempts_exhausted" } });
  expect(job.result).toBeUndefined();
  expect(attempts).toHaveLength(3);
  const entry = await until("the dead letter is on the board", async () => {
    const { queues } = await board("?activeQueue=dead-letter&status=waiting&jobsPerPage=100");
    return queues
      .find((queue: { name: string }) => queue.name === "dead-letter")
      .jobs.find((one: { id: string }) => one.id === job.id);
  });
  expect(entry).toMatchObject({ name: "auto", data: { model: "auto", code: "attempts_exhausted" } });
});

async function board(query: string) {
  const { api, supervised } = cluster;
  const login = Buffer.from(`operator:${supervised.adminKey}`).toString("base64");
  return (await api.get(`/queues/api/queues${query}`, { authorization: `Basic ${login}` })).body;
}
