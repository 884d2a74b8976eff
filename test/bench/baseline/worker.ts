// The baseline's worker: 100 jobs at a time, a pool of connections upstream, the answer as the job's return value.
// With BENCH_REQUESTS_PER_MINUTE it has BullMQ's own limiter, as who writes such a worker would set it.
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { Pool } from "undici";
import { type BaselineJob, baselineQueue } from "./baseline-job.ts";

const upstream = new URL(process.env["BENCH_UPSTREAM"] ?? "");
const concurrency = Number(process.env["BENCH_CONCURRENCY"] ?? 100);
const perMinute = process.env["BENCH_REQUESTS_PER_MINUTE"];
const limiter = perMinute === undefined ? {} : { limiter: { max: Number(perMinute), duration: 60_000 } };
const pool = new Pool(upstream.origin, { connections: concurrency });
const redis = new Redis(process.env["REDIS_URL"] ?? "", { maxRetriesPerRequest: null });

const worker = new Worker<BaselineJob>(
  baselineQueue,
  async ({ data }) => {
    const { statusCode, body } = await pool.request({
      method: "POST",
      path: data.endpoint,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(data.body),
    });
    const answer: unknown = await body.json();
    // A thrown error is a retry in BullMQ.
    if (statusCode !== 200) throw new Error(`the upstream answered ${statusCode}`);
    return answer;
  },
  { connection: redis, concurrency, ...limiter },
);
worker.on("error", (error) => process.stderr.write(`${error.message}\n`));
await worker.waitUntilReady();
process.send?.({ type: "ready" });

process.once("SIGTERM", () => {
  void worker
    .close()
    .then(() => pool.close())
    .then(() => process.exit(0));
});
