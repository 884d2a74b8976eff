import type {
  BacklogFlow,
  BacklogReading,
  BacklogSum,
  ForecastReport,
  ForecastSnapshot,
  SetBacklog,
  Target,
  TargetPace,
  TargetSignals,
  TenantId,
} from "@sluice/domain";
import { usualOutputTokens } from "../charged-tokens.ts";
import { paceOf } from "../window-size.ts";
import { createCalibration } from "./calibrate.ts";
import { createRecords } from "./keep-records.ts";
import { createArrivalMeter } from "./measure-arrivals.ts";
import { measurePace, type PaceMeasure, paceOfMeasure, unmeasured } from "./measure-pace.ts";

/** A target of the configuration with what is known of it. */
export interface ForecastTarget {
  readonly target: Pick<Target, "id" | "limits">;
  readonly signals: TargetSignals | undefined;
}

/** What has been read and reported since the last time. */
export interface ForecastInput {
  readonly now: number;
  readonly reading: BacklogReading;
  readonly targets: readonly ForecastTarget[];
  /** Ids of the targets of the sets that are in the reading; none while they are not known. */
  readonly targetsOf: (candidateSet: string) => readonly string[];
  readonly reports: readonly ForecastReport[];
}

/** Makes snapshots, each from what it has learned so far. */
export interface ForecastKeeper {
  next(input: ForecastInput): ForecastSnapshot;
}

const usualTokensPerJob = 2 * usualOutputTokens;
/** Work for so long at the measured pace is more than what is on its way to the workers. */
const busySeconds = 2;
const jobsSeconds = 30;

interface TargetMemory {
  measure: PaceMeasure;
  tokensPerJob: number;
  wasBusy: boolean;
  tokensPerSecond: number;
}

/** Begins with what another leader had published, if there is such. */
export function createForecastKeeper(begin?: ForecastSnapshot): ForecastKeeper {
  const calibration = createCalibration(begin?.corrections);
  const records = createRecords(begin?.records);
  const meter = createArrivalMeter();
  const memories = new Map<string, TargetMemory>();
  let lastAt: number | undefined;
  let jobsPerSecond = begin?.jobsPerSecond ?? 0;

  function memoryOf(id: string): TargetMemory {
    const memory = memories.get(id) ?? {
      measure: measureOf(begin?.targets[id]),
      tokensPerJob: usualTokensPerJob,
      wasBusy: false,
      tokensPerSecond: Number.POSITIVE_INFINITY,
    };
    memories.set(id, memory);
    return memory;
  }

  function measureTargets(input: ForecastInput, seconds: number): Record<string, TargetPace> {
    const busy = busyTargets(input, (id) => memoryOf(id).tokensPerSecond);
    const served = servedBy(input.reports);
    const entries = input.targets.map(({ target, signals }) => {
      const memory = memoryOf(target.id);
      const { tokens, jobs } = served.get(target.id) ?? { tokens: 0, jobs: 0 };
      if (jobs > 0) memory.tokensPerJob += (tokens / jobs - memory.tokensPerJob) * Math.min(1, jobs / 50);
      const allowed = paceOf({ limits: target.limits, signals }, memory.tokensPerJob).startsPerSecond;
      const isBusy = busy.has(target.id) && memory.wasBusy && !isClosed(signals, input.now);
      memory.measure = measurePace(memory.measure, { seconds, tokens, isBusy });
      memory.tokensPerSecond = paceOfMeasure(memory.measure, allowed * memory.tokensPerJob);
      memory.wasBusy = busy.has(target.id);
      return [target.id, targetPace(memory.tokensPerSecond, signals, input.now)] as const;
    });
    return Object.fromEntries(entries);
  }

  return {
    next(input) {
      const { now, reading, reports } = input;
      const seconds = lastAt === undefined ? 0 : Math.max(0, now - lastAt) / 1000;
      const finished = reports.flatMap((report) => report.finished);
      calibration.learn({ finished, overdue: reading.overdue, overdueBefore: lastAt ?? now });
      records.add(finished);
      meter.add(
        seconds,
        reports.flatMap(({ arrivals }) => arrivals),
      );
      const ended = reports.flatMap(({ served }) => served).reduce((sum, { jobs }) => sum + jobs, 0);
      if (seconds > 0)
        jobsPerSecond += (ended / seconds - jobsPerSecond) * (1 - Math.exp(-seconds / jobsSeconds));
      lastAt = now;
      return {
        version: 1,
        takenAt: now,
        watchedMs: meter.watchedMs(),
        targets: measureTargets(input, seconds),
        sets: setsOf(input, meter.rates()),
        corrections: calibration.corrections(),
        records: records.read(),
        jobs: reading.sums.reduce((sum, { jobs }) => sum + jobs, 0),
        jobsPerSecond,
        tenants: tenantTotals(reading.sums),
      };
    },
  };
}

/** What another leader had measured counts for half a minute. */
function measureOf(pace: TargetPace | undefined): PaceMeasure {
  const seconds = 30;
  return pace === undefined ? unmeasured : { tokens: pace.tokensPerSecond * seconds, seconds, recent: 0 };
}

/** Targets for which more waits than is on its way to workers. */
function busyTargets(
  { reading, targetsOf }: ForecastInput,
  paceOfTarget: (id: string) => number,
): ReadonlySet<string> {
  const waiting = reading.sums.filter(({ state }) => state === "waiting");
  const busy = new Set<string>();
  for (const [candidateSet, sums] of Map.groupBy(waiting, (sum) => sum.candidateSet)) {
    const ids = targetsOf(candidateSet);
    const pace = ids.reduce((sum, id) => sum + paceOfTarget(id), 0);
    const tokens = sums.reduce((sum, each) => sum + each.tokens, 0);
    if (sums.some(({ parked }) => parked > 0) || tokens > busySeconds * pace)
      for (const id of ids) busy.add(id);
  }
  return busy;
}

function servedBy(reports: readonly ForecastReport[]): Map<string, { tokens: number; jobs: number }> {
  const served = new Map<string, { tokens: number; jobs: number }>();
  for (const { targetId, tokens, jobs } of reports.flatMap((report) => report.served)) {
    const sum = served.get(targetId) ?? { tokens: 0, jobs: 0 };
    served.set(targetId, { tokens: sum.tokens + tokens, jobs: sum.jobs + jobs });
  }
  return served;
}

function isClosed(signals: TargetSignals | undefined, now: number): boolean {
  if (signals === undefined) return false;
  const { operated, breaker, pausedUntil, health } = signals;
  return operated !== undefined || breaker === "open" || pausedUntil > now || health?.ok === false;
}

function targetPace(tokensPerSecond: number, signals: TargetSignals | undefined, now: number): TargetPace {
  const latencyMs = signals?.latencyP50Ms ?? signals?.latencyMs;
  const opensAt = isClosed(signals, now) ? opening(signals) : undefined;
  return {
    tokensPerSecond,
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(isClosed(signals, now) ? { isClosed: true as const } : {}),
    ...(opensAt === undefined ? {} : { opensAt }),
  };
}

/** When a closed target opens by itself. */
function opening(signals: TargetSignals | undefined): number | undefined {
  if (signals === undefined || signals.operated !== undefined || signals.health?.ok === false)
    return undefined;
  if (signals.breaker === "open" && signals.reopensAt === undefined) return undefined;
  return Math.max(signals.pausedUntil, signals.reopensAt ?? 0);
}

type Rates = ReturnType<ReturnType<typeof createArrivalMeter>["rates"]>;

function setsOf({ reading, targetsOf }: ForecastInput, rates: Rates): SetBacklog[] {
  const flows = new Map<string, Map<TenantId, BacklogFlow>>();
  const flowOf = (candidateSet: string, tenantId: TenantId): BacklogFlow =>
    flows.get(candidateSet)?.get(tenantId) ?? { tenantId, bands: [], arrivals: [] };
  const put = (candidateSet: string, flow: BacklogFlow) => {
    const set = flows.get(candidateSet) ?? new Map<TenantId, BacklogFlow>();
    flows.set(candidateSet, set.set(flow.tenantId, flow));
  };
  for (const { candidateSet, tenantId, state, earliestAt, latestAt, tokens } of reading.sums) {
    if (state === "running") continue;
    const flow = flowOf(candidateSet, tenantId);
    put(candidateSet, { ...flow, bands: [...flow.bands, { earliestAt, latestAt, tokens }] });
  }
  for (const { candidateSet, tenantId, arrivals } of rates)
    put(candidateSet, { ...flowOf(candidateSet, tenantId), arrivals });
  return [...flows].flatMap(([candidateSet, set]) => {
    const targets = targetsOf(candidateSet);
    return targets.length === 0 ? [] : [{ candidateSet, targets, flows: [...set.values()] }];
  });
}

function tenantTotals(sums: readonly BacklogSum[]): ForecastSnapshot["tenants"] {
  const totals: Record<string, { waitingTokens: number; runningTokens: number }> = {};
  for (const { tenantId, state, tokens } of sums) {
    const total = totals[tenantId] ?? { waitingTokens: 0, runningTokens: 0 };
    totals[tenantId] =
      state === "running"
        ? { ...total, runningTokens: total.runningTokens + tokens }
        : { ...total, waitingTokens: total.waitingTokens + tokens };
  }
  return totals;
}
