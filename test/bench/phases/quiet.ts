import { costPerSecond, type Measures, snapshot } from "../measure/snapshot.ts";
import { limitedModel } from "../prompts.ts";
import { type PhaseContext, pause, postJobs } from "./phase.ts";

/** Watches a system that has nothing to do. */
export async function measureIdle(context: PhaseContext): Promise<Measures> {
  return watch("idle", context);
}

/** Watches a system whose jobs wait for a limit that is full; a few calls a minute are all that happens. */
export async function measureWaiting(context: PhaseContext): Promise<Measures> {
  const { system, sizes } = context;
  await system.limitCalls();
  await postJobs(context, sizes.waitingJobs, limitedModel);
  return watch("waiting", context);
}

/** Accepting, feeding and asking once for room are over after a third of the time that is watched then. */
async function watch(phase: string, { system, sizes }: PhaseContext): Promise<Measures> {
  await pause(sizes.quietMs / 3);
  const before = await snapshot(system);
  const startedAt = performance.now();
  await pause(sizes.quietMs);
  const after = await snapshot(system);
  return costPerSecond(phase, before, after, performance.now() - startedAt);
}
