import type { BacklogReading, BacklogSum, ForecastLedger, JobSpec, OverdueSum } from "@sluice/domain";
import type { JobRow } from "./job-row.ts";

type Question = Parameters<ForecastLedger["readBacklog"]>[0];

/** The sums that the ledger's statement makes, of rows in memory. */
export function readBacklog(rows: Iterable<JobRow>, question: Question): BacklogReading {
  const { now, overdueSince, boundsMs, horizonsMs } = question;
  const sums = new Map<string, BacklogSum>();
  const overdue: OverdueSum[] = [];
  for (const row of rows) {
    const { candidateSet, estimate, effectiveDeadlineAt, acceptedAt } = row.spec;
    const band = row.state === "running" ? "running" : reached(boundsMs, effectiveDeadlineAt - now);
    const key = `${candidateSet} ${row.spec.tenantId} ${band}`;
    sums.set(key, plus(sums.get(key), row));
    if (estimate === undefined || estimate.p95At < overdueSince || estimate.p95At >= now) continue;
    const waitMs = horizonsMs[reached(horizonsMs, estimate.waitMs) - 1] ?? 0;
    const leadMs = horizonsMs[reached(horizonsMs, effectiveDeadlineAt - acceptedAt) - 1] ?? 0;
    overdue.push({ candidateSet, waitMs, leadMs, jobs: 1 });
  }
  return { sums: [...sums.values()], overdue };
}

/** One live job of each of these sets. */
export function samplesOf(rows: Iterable<JobRow>, candidateSets: readonly string[]): JobSpec[] {
  const wanted = new Set(candidateSets);
  const samples: JobSpec[] = [];
  for (const { spec } of rows) if (wanted.delete(spec.candidateSet)) samples.push(spec);
  return samples;
}

/** How many of the bounds, in rising order, a value has reached. */
function reached(bounds: readonly number[], value: number): number {
  const first = bounds.findIndex((bound) => value < bound);
  return first === -1 ? bounds.length : first;
}

function plus(sum: BacklogSum | undefined, { spec, state, waitingFor }: JobRow): BacklogSum {
  const { candidateSet, tenantId, effectiveDeadlineAt, tokens } = spec;
  return {
    candidateSet,
    tenantId,
    state: state === "running" ? "running" : "waiting",
    earliestAt: Math.min(sum?.earliestAt ?? effectiveDeadlineAt, effectiveDeadlineAt),
    latestAt: Math.max(sum?.latestAt ?? effectiveDeadlineAt, effectiveDeadlineAt),
    jobs: (sum?.jobs ?? 0) + 1,
    tokens: (sum?.tokens ?? 0) + tokens,
    parked: (sum?.parked ?? 0) + (waitingFor === undefined ? 0 : 1),
  };
}
