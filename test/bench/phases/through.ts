import { costPerJob, type Measures, snapshot } from "../measure/snapshot.ts";
import { type PhaseContext, postJobs, until } from "./phase.ts";

/** Accepts jobs while the worker finishes them: jobs per second from the first post to the last end. */
export async function measureThrough(context: PhaseContext): Promise<Measures> {
  const { system, sizes } = context;
  const bytesBefore = await system.redis.usedBytes();
  const before = await snapshot(system);
  const startedAt = performance.now();
  const accepted = await postJobs(context, sizes.throughJobs);
  await until(async () => (await system.unfinished()) === 0);
  const elapsedMs = performance.now() - startedAt;
  const after = await snapshot(system);
  const bytesLeft = (await system.redis.usedBytes()) - bytesBefore;
  return {
    "through.acceptPerSecond": (sizes.throughJobs / accepted.elapsedMs) * 1000,
    "through.perSecond": (sizes.throughJobs / elapsedMs) * 1000,
    "redisBytes.leftPerJob": bytesLeft / sizes.throughJobs,
    ...costPerJob("through", before, after, sizes.throughJobs),
  };
}
