import { costPerJob, type Measures, snapshot } from "../measure/snapshot.ts";
import { type PhaseContext, pause, postJobs } from "./phase.ts";

/** Time for what is still on its way into Redis, before its memory is read. */
const settleMs = 1_000;

/** Accepts jobs while no worker runs: jobs per second, their cost, and the memory that they take in Redis. */
export async function measureAccept(context: PhaseContext): Promise<Measures> {
  const { system, sizes } = context;
  const bytesBefore = await system.redis.usedBytes();
  await postJobs(context, sizes.warmUpJobs);
  await pause(settleMs);
  const before = await snapshot(system);
  const result = await postJobs(context, sizes.jobs);
  const after = await snapshot(system);
  await pause(settleMs);
  const bytes = (await system.redis.usedBytes()) - bytesBefore;
  const inRedis = await system.queuedInRedis();
  return {
    "accept.perSecond": (sizes.jobs / result.elapsedMs) * 1000,
    "accept.p50Ms": result.p50Ms,
    "accept.p99Ms": result.p99Ms,
    ...costPerJob("accept", before, after, sizes.jobs),
    "redisBytes.perJob": bytes / (sizes.warmUpJobs + sizes.jobs),
    "redisBytes.perJobInRedis": bytes / inRedis,
  };
}
