import {
  type DispatchLedger,
  isTerminal,
  type LanePointer,
  type Lanes,
  type LiveJob,
  type Logger,
} from "@sluice/domain";

export interface ReconcilePorts {
  readonly ledger: Pick<DispatchLedger, "liveLaned" | "findLive">;
  readonly lanes: Lanes;
  readonly logger: Logger;
}

const pageSize = 1000;

/**
 * Compares the ledger with the lanes: every live job that counts as laned must have a pointer. Those that have none
 * (a crash between commit and add, a Redis that lost data) get one again. Returns how many.
 */
export async function reconcileLanes(ports: ReconcilePorts): Promise<number> {
  let added = 0;
  let after: LiveJob | undefined;
  for (;;) {
    const page = await ports.ledger.liveLaned({ after, limit: pageSize });
    for (const [model, jobs] of byModel(page.filter((job) => !(job.state === "running" && job.ownerAlive)))) {
      const missing = new Set(
        await ports.lanes.missing(
          model,
          jobs.map((job) => job.jobId),
        ),
      );
      const lost = jobs.filter((job) => missing.has(job.jobId));
      // `replace`, not `add`: a finished trace under the same id would swallow the addition.
      if (lost.length > 0) await ports.lanes.replace(lost);
      added += lost.length;
    }
    after = page.at(-1);
    if (page.length < pageSize) break;
  }
  if (added > 0)
    ports.logger.warn({ count: added }, "live jobs had no pointer in their lane and were put back");
  return added;
}

/**
 * Clears pointers that count as active though nobody holds their lock: their worker died or lost Redis. Jobs that
 * have ended lose the pointer, live ones without a living owner are put back with their own priority.
 */
export async function returnUnlocked(ports: ReconcilePorts, models: readonly string[]): Promise<number> {
  let returned = 0;
  for (const model of models) {
    const unlocked = await ports.lanes.unlocked(model);
    if (unlocked.length === 0) continue;
    const jobs = await ports.ledger.findLive(unlocked);
    const live = new Map(jobs.filter((job) => !isTerminal(job.state)).map((job) => [job.jobId, job]));
    const ended = unlocked.filter((id) => !live.has(id));
    const orphans = [...live.values()].filter((job) => !(job.state === "running" && job.ownerAlive));
    if (ended.length > 0) await ports.lanes.remove(model, ended);
    if (orphans.length > 0) await ports.lanes.replace(orphans.map(toPointer));
    returned += orphans.length;
  }
  if (returned > 0)
    ports.logger.warn({ count: returned }, "jobs of lost workers were put back into their lanes");
  return returned;
}

function toPointer(job: LiveJob): LanePointer {
  return {
    jobId: job.jobId,
    model: job.model,
    effectiveDeadlineAt: job.effectiveDeadlineAt,
    notBeforeAt: job.notBeforeAt,
  };
}

function byModel(jobs: readonly LiveJob[]): Map<string, LiveJob[]> {
  const groups = new Map<string, LiveJob[]>();
  for (const job of jobs) {
    const group = groups.get(job.model);
    if (group === undefined) groups.set(job.model, [job]);
    else group.push(job);
  }
  return groups;
}
