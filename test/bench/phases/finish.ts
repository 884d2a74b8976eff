import { costPerJob, type Measures, snapshot } from "../measure/snapshot.ts";
import { type PhaseContext, until } from "./phase.ts";

/** Starts the worker on a full queue and waits until every job has ended: jobs per second from the first call on. */
export async function measureFinish({ system, upstream, sizes }: PhaseContext): Promise<Measures> {
  const jobs = sizes.jobs + sizes.warmUpJobs;
  await upstream.reset();
  await system.startWorker();
  const before = await snapshot(system);
  await until(async () => (await upstream.callCount()) >= jobs);
  await until(async () => (await system.unfinished()) === 0);
  const endedAt = Date.now();
  const after = await snapshot(system);
  const firstCallAt = (await upstream.firstCallAt()) ?? Number.NaN;
  return {
    "finish.perSecond": (jobs / (endedAt - firstCallAt)) * 1000,
    ...costPerJob("finish", before, after, jobs),
  };
}
