import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis } from "@sluice/embedded";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { type BaselineJob, baselineQueue } from "../../bench/baseline/baseline-job.ts";
import { startProcess } from "../../bench/bench-process.ts";
import { until } from "./until.ts";

/** A run of the plain BullMQ queue. */
export interface PlainRun {
  /** The upstream's API, with `/v1`. */
  readonly upstreamUrl: string;
  readonly workers: number;
  readonly concurrency: number;
  /** Goes to BullMQ's own limiter, the only limit it knows. */
  readonly requestsPerMinute: number;
  readonly bodies: readonly BaselineJob["body"][];
}

/** As who writes such a queue would ask for it: a second, two, four …, and then the job is given up. */
const tries = { attempts: 6, backoff: { type: "exponential", delay: 1_000, jitter: 0.5 } };

/** Puts all jobs into a plain BullMQ queue, lets workers call the upstream, and answers when every job has ended. */
export async function runPlainQueue(run: PlainRun): Promise<{ succeeded: number; givenUp: number }> {
  const redis = await startRedis({ preferContainer: false });
  const logFolder = mkdtempSync(join(tmpdir(), "sluice-plain-"));
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const queue = new Queue<BaselineJob>(baselineQueue, { connection });
  const env = {
    REDIS_URL: redis.url,
    BENCH_UPSTREAM: new URL(run.upstreamUrl).origin,
    BENCH_CONCURRENCY: String(run.concurrency),
    BENCH_REQUESTS_PER_MINUTE: String(run.requestsPerMinute),
  };
  const program = "test/bench/baseline/worker.ts";
  const endpoint = "/v1/chat/completions";
  await queue.addBulk(run.bodies.map((body) => ({ name: "job", data: { endpoint, body }, opts: tries })));
  const workers = await Promise.all(
    Array.from({ length: run.workers }, (_, index) =>
      startProcess({ name: `worker-${index}`, program, env, logFolder }),
    ),
  );
  try {
    const readCounts = async () => {
      const counts = await queue.getJobCounts("completed", "failed");
      const ended = { succeeded: counts["completed"] ?? 0, givenUp: counts["failed"] ?? 0 };
      return ended.succeeded + ended.givenUp === run.bodies.length ? ended : undefined;
    };
    return await until("the plain queue has ended every job", readCounts, 1_800_000);
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    await queue.close();
    connection.disconnect();
    await redis.close();
    rmSync(logFolder, { recursive: true, force: true });
  }
}
