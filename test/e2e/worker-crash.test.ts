import { afterAll, beforeAll, expect, test } from "vitest";
import { promptLines, readResults, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import type { SimulatedCall } from "./kit/simulator-control.ts";
import { until } from "./kit/until.ts";

// Calls of about a second: whenever a worker is killed, it holds some.
const config = `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 800, tokens_per_second: 200 }
pools:
  only:
    targets:
      - { id: only, provider: sim, model: sim-8b, price: { input: 0.1, output: 0.4 } }
models:
  auto: { pools: [only] }
`;
const lineCount = 400;
/** The simulator's number for a caller that went away. */
const callerLeft = 499;
/** Far longer than an outcome needs to the ledger, far shorter than the batch. */
const settlingMs = 3_000;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
});
afterAll(() => cluster?.stop());

test("a batch survives kill -9 of a worker: every line once, and only what was in flight is called again", async () => {
  const { api, openai, simulators } = cluster;
  const id = await startBatch(api, toJsonl(promptLines(lineCount, { model: "auto" })));
  await until("calls are in flight, and some have been answered", callsUnderWay);
  const killedAt = Date.now();
  await cluster.kill("worker-1");
  const batch = await untilEnded(openai, id);
  expect(batch).toMatchObject({
    status: "completed",
    request_counts: { total: lineCount, completed: lineCount, failed: 0 },
    error_file_id: null,
  });

  const { output } = await readResults(openai, batch);
  const answered = output.map((line) => line.custom_id).sort();
  expect(answered).toEqual(
    promptLines(lineCount, { model: "auto" })
      .map((line) => line.custom_id)
      .sort(),
  );
  const usages = output.map((line) => line.response?.body.usage);
  expect(batch.usage).toMatchObject({
    input_tokens: sum(usages.map((usage) => usage.prompt_tokens)),
    output_tokens: sum(usages.map((usage) => usage.completion_tokens)),
  });

  const calls = (await simulators["sim"]?.calls()) ?? [];
  const cut = calls.filter((call) => call.status === callerLeft);
  const repeated = calls.filter((call, index) => calls.findIndex(isOfJob(call)) < index);
  expect(cut.length).toBeGreaterThan(0);
  expect(calls.length).toBe(lineCount + repeated.length);
  for (const call of repeated) {
    const first = calls.find(isOfJob(call));
    // Answered a moment before the kill, its outcome may have been on its way to the ledger.
    const endedAt = Date.parse(first?.at ?? "") + (first?.duration_ms ?? 0);
    expect(endedAt).toBeGreaterThan(killedAt - settlingMs);
  }
});

async function callsUnderWay(): Promise<true | undefined> {
  const stats = await cluster.simulators["sim"]?.stats();
  return stats !== undefined && stats.in_flight >= 24 && stats.calls > stats.in_flight ? true : undefined;
}

function isOfJob(call: SimulatedCall): (other: SimulatedCall) => boolean {
  return (other) => other.x_sluice_job_id === call.x_sluice_job_id;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
