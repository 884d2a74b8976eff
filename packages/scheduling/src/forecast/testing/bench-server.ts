import type { BacklogReading, BacklogSum, TargetSignals, TenantId } from "@sluice/domain";
import { bandBoundsMs } from "../horizons.ts";
import type { ForecastTarget } from "../keep-forecast.ts";
import { type BenchJob, type BenchTarget, type Scenario, spread, usualTokens } from "./scenario.ts";

/** The queue and the targets of a scenario: weighted fair between tenants by tokens, by effective deadline within one. */
export interface BenchServer {
  accept(job: BenchJob): void;
  /** Ends calls and starts others; answers the jobs that have ended. */
  step(now: number): BenchJob[];
  isIdle(): boolean;
  /** What the ledger would say. */
  read(now: number, lastReadAt: number): BacklogReading;
  /** What capacity would say. */
  targets(): ForecastTarget[];
}

interface Flow {
  readonly tenantId: TenantId;
  /** In order of effective deadlines. */
  readonly queue: BenchJob[];
  /** Tokens served by weight. */
  served: number;
}

interface Place {
  readonly target: BenchTarget;
  readonly calls: Set<BenchJob>;
  /** Of the last calls. */
  readonly latenciesMs: number[];
}

export function createBenchServer(scenario: Scenario, random: () => number): BenchServer {
  const flows = new Map<TenantId, Flow>();
  const places: Place[] = scenario.targets.map((target) => ({ target, calls: new Set(), latenciesMs: [] }));
  const weightOf = (tenant: TenantId) => scenario.weights?.[tenant] ?? 1;

  function flowOf(tenantId: TenantId): Flow {
    const flow = flows.get(tenantId) ?? { tenantId, queue: [], served: 0 };
    flows.set(tenantId, flow);
    if (flow.queue.length > 0) return flow;
    // Who comes back has kept no share from before.
    const backlogged = [...flows.values()].filter(({ queue }) => queue.length > 0);
    if (backlogged.length > 0)
      flow.served = Math.max(flow.served, Math.min(...backlogged.map(({ served }) => served)));
    return flow;
  }

  function nextFor({ target }: Place): BenchJob | undefined {
    const serves = (job: BenchJob) => scenario.sets[job.candidateSet]?.includes(target.id) === true;
    const due = [...flows.values()]
      .flatMap((flow) => {
        const index = flow.queue.findIndex(serves);
        return index === -1 ? [] : [{ flow, index }];
      })
      .reduce<{ flow: Flow; index: number } | undefined>(
        (least, each) => (least === undefined || each.flow.served < least.flow.served ? each : least),
        undefined,
      );
    const job = due?.flow.queue.splice(due.index, 1)[0];
    if (due !== undefined && job !== undefined) due.flow.served += job.tokens / weightOf(job.tenantId);
    return job;
  }

  function call({ target, calls }: Place, job: BenchJob, now: number): void {
    const byLength = 0.3 + (0.7 * job.tokens) / usualTokens;
    const lastsMs = target.callMs * (target.slowness?.(now) ?? 1) * byLength * spread(random, 0.5);
    calls.add(Object.assign(job, { targetId: target.id, startedAt: now, finishedAt: now + lastsMs }));
  }

  function endCalls({ calls, latenciesMs }: Place, now: number): BenchJob[] {
    const ended = [...calls].filter(({ finishedAt = 0 }) => finishedAt <= now);
    for (const job of ended) {
      calls.delete(job);
      latenciesMs.push((job.finishedAt ?? 0) - (job.startedAt ?? 0));
      if (latenciesMs.length > 100) latenciesMs.shift();
    }
    return ended;
  }

  return {
    accept(job) {
      const { queue } = flowOf(job.tenantId);
      const after = queue.findLastIndex((other) => other.effectiveDeadlineAt <= job.effectiveDeadlineAt);
      queue.splice(after + 1, 0, job);
    },
    step(now) {
      const ended = places.flatMap((place) => endCalls(place, now));
      for (const place of places) {
        while (place.calls.size < place.target.slots) {
          const job = nextFor(place);
          if (job === undefined) break;
          call(place, job, now);
        }
      }
      return ended;
    },
    isIdle: () =>
      places.every(({ calls }) => calls.size === 0) &&
      [...flows.values()].every(({ queue }) => queue.length === 0),
    read(now, lastReadAt) {
      const waiting = [...flows.values()].flatMap(({ queue }) => queue);
      const running = places.flatMap(({ calls }) => [...calls]);
      return readingOf(waiting, running, { now, lastReadAt });
    },
    targets: () => places.map(forecastTarget),
  };
}

function forecastTarget({ target, calls, latenciesMs }: Place): ForecastTarget {
  const known = latenciesMs.length > 0;
  const signals: TargetSignals = {
    inFlight: calls.size,
    requestsUsed: 0,
    tokensUsed: 0,
    concurrencyUsed: calls.size / target.slots,
    latencyMs: known ? latenciesMs.reduce((sum, ms) => sum + ms, 0) / latenciesMs.length : undefined,
    errorRate: 0,
    pausedUntil: 0,
    ...(known ? { latencyP50Ms: latenciesMs.toSorted((a, b) => a - b)[latenciesMs.length >> 1] ?? 0 } : {}),
  };
  return { target: { id: target.id, limits: { concurrency: target.slots } }, signals };
}

function readingOf(
  waiting: readonly BenchJob[],
  running: readonly BenchJob[],
  { now, lastReadAt }: { readonly now: number; readonly lastReadAt: number },
): BacklogReading {
  const bandOf = (job: BenchJob) =>
    bandBoundsMs.filter((bound) => job.effectiveDeadlineAt - now >= bound).length;
  const flowOf = ({ candidateSet, tenantId }: BenchJob) => `${candidateSet} ${tenantId}`;
  const bands = Map.groupBy(waiting, (job) => `${flowOf(job)} ${bandOf(job)}`);
  const sums = [...bands.values()].map((jobs) => sumOf(jobs, "waiting"));
  for (const jobs of Map.groupBy(running, flowOf).values()) sums.push(sumOf(jobs, "running"));
  const overdue = [...waiting, ...running].flatMap(({ estimate, candidateSet, ...job }) =>
    estimate !== undefined && estimate.p95At >= lastReadAt && estimate.p95At < now
      ? [{ candidateSet, waitMs: estimate.waitMs, leadMs: job.effectiveDeadlineAt - job.acceptedAt, jobs: 1 }]
      : [],
  );
  return { sums, overdue };
}

function sumOf(jobs: readonly BenchJob[], state: BacklogSum["state"]): BacklogSum {
  const [first] = jobs;
  if (first === undefined) throw new Error("there is no sum of no jobs");
  const { candidateSet, tenantId } = first;
  let [earliestAt, latestAt, tokens] = [Number.POSITIVE_INFINITY, 0, 0];
  for (const job of jobs) {
    earliestAt = Math.min(earliestAt, job.effectiveDeadlineAt);
    latestAt = Math.max(latestAt, job.effectiveDeadlineAt);
    tokens += job.tokens;
  }
  return { candidateSet, tenantId, state, earliestAt, latestAt, jobs: jobs.length, tokens, parked: 0 };
}
