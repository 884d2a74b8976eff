// Breaks a cluster in one way after the other while a batch runs, and judges what came of it:
// `node test/e2e/drill/break-things.ts`. The kills that are quick to get over are a test, recovery.test.ts;
// these take minutes.
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { promptLines, readResults, startBatch, toJsonl, untilEnded } from "../kit/batches.ts";
import { startTestCluster, type TestCluster } from "../kit/cluster.ts";
import { finishTimes } from "../kit/finish-times.ts";
import { type Kill, recoveryTable } from "../kit/recovery-table.ts";
import { until } from "../kit/until.ts";

const lineCount = 1_800;
const config = `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 900, tokens_per_second: 1000 }
pools:
  only: { targets: [{ id: only, provider: sim, model: sim-8b, limits: { concurrency: 10 } }] }
models:
  auto: { pools: [only] }
`;

/** Ends when what was broken is as before. */
type Breakage = readonly [name: string, run: (cluster: TestCluster) => Promise<void>];

const frozen =
  (name: string, ms: number) =>
  async ({ supervised }: TestCluster): Promise<void> => {
    await supervised.kill(name, "SIGSTOP");
    await delay(ms);
    await supervised.kill(name, "SIGCONT");
  };

const killed =
  (...names: string[]) =>
  async ({ supervised, kill }: TestCluster): Promise<void> => {
    const ready = names.map((name) =>
      supervised.waitFor((event) => event.type === "ready" && event.name === name),
    );
    await Promise.all(names.map(kill));
    await Promise.all(ready);
  };

async function flushed({ supervised }: TestCluster): Promise<void> {
  const redis = new Redis(supervised.redisUrl);
  await redis.flushall();
  await redis.quit();
}

const breakages: Breakage[] = [
  ["Redis: FLUSHALL", flushed],
  ["Redis frozen for 8 s", frozen("redis", 8_000)],
  ["PostgreSQL frozen for 8 s", frozen("postgres", 8_000)],
  ["a worker frozen for 30 s", frozen("worker-2", 30_000)],
  ["the dispatcher frozen for 15 s", frozen("dispatcher", 15_000)],
  ["both workers killed", killed("worker-1", "worker-2")],
  ["both servers killed", killed("redis", "postgres")],
  ["everything killed", killed("redis", "postgres", "api", "dispatcher", "delivery", "worker-1", "worker-2")],
];

const cluster = await startTestCluster({ config });
try {
  const lines = promptLines(lineCount, { model: "auto" });
  const id = await startBatch(cluster.api, toJsonl(lines));
  const kills: Kill[] = [];
  await untilMore(id);
  for (const [name, run] of breakages) {
    const inFlight = await inFlightJobs();
    const at = Date.now();
    await run(cluster);
    kills.push({ name, at, readyAt: Date.now(), inFlight });
    await untilMore(id);
    console.log(`${name}: goes on after ${((Date.now() - at) / 1000).toFixed(1)} s`);
  }
  const batch = await until("the batch ends", () => untilEnded(cluster.openai, id));
  console.log(recoveryTable(kills, await finishTimes(cluster.api, id)));
  console.log(batch.status, batch.request_counts);
  await judge(batch, lines.length);
} finally {
  await cluster.stop();
}

async function judge(batch: Parameters<typeof readResults>[1], wanted: number): Promise<void> {
  const { output, errors } = await readResults(cluster.openai, batch);
  const answered = new Set([...output, ...errors].map((line) => line.custom_id)).size;
  const calls = (await cluster.simulators["sim"]?.calls()) ?? [];
  console.log({
    wanted,
    answered,
    lines: output.length + errors.length,
    calls: calls.length,
    jobsCalled: new Set(calls.map((call) => call.x_sluice_job_id)).size,
  });
  if (answered !== wanted || output.length + errors.length !== wanted) process.exitCode = 1;
}

async function inFlightJobs(): Promise<string[]> {
  const calls = (await cluster.simulators["sim"]?.calls()) ?? [];
  return calls.flatMap((call) => (call.status === null ? [call.x_sluice_job_id ?? ""] : []));
}

/** Waits until thirty more lines have ended. */
async function untilMore(id: string): Promise<void> {
  const endedLines = async (): Promise<number> => {
    const { body } = await cluster.api.get(`/v1/batches/${id}`);
    return body.request_counts.completed + body.request_counts.failed;
  };
  const before = await until("the API answers", endedLines);
  await until("more lines end", async () => ((await endedLines()) >= before + 30 ? true : undefined));
}
