import type { ForecastReport, ForecastSnapshot, TenantId } from "@sluice/domain";
import { seeded } from "../../../../../test/kit/seeded.ts";
import { estimateFinish } from "../estimate-finish.ts";
import { createForecastKeeper } from "../keep-forecast.ts";
import { viewSet } from "../set-view.ts";
import { createBenchServer } from "./bench-server.ts";
import { type BenchJob, drawJobs, type Scenario } from "./scenario.ts";

const stepMs = 20;
const snapshotEveryMs = 1_000;

/** Runs a scenario until every job has ended and answers the jobs; each but those of the first moment was predicted. */
export function runBench(scenario: Scenario): BenchJob[] {
  const random = seeded(scenario.seed);
  const jobs = drawJobs(scenario, random);
  const server = createBenchServer(scenario, random);
  const keeper = createForecastKeeper();
  let predictor: Predictor | undefined;
  let [accepted, ended]: BenchJob[][] = [[], []];
  let next = 0;
  for (let now = 0; next < jobs.length || !server.isIdle(); now += stepMs) {
    if (now % snapshotEveryMs === 0) {
      const snapshot = keeper.next({
        now,
        reading: server.read(now, now - snapshotEveryMs),
        targets: server.targets(),
        targetsOf: (set) => scenario.sets[set] ?? [],
        reports: [reportOf(accepted ?? [], ended ?? [])],
      });
      predictor = predictorOf(scenario, snapshot);
      [accepted, ended] = [[], []];
    }
    for (let job = jobs[next]; job !== undefined && job.acceptedAt <= now; job = jobs[next]) {
      predictor?.(job);
      accepted?.push(job);
      server.accept(job);
      next += 1;
    }
    ended?.push(...server.step(now));
  }
  return jobs;
}

/** Predicts a job that is accepted now. */
type Predictor = (job: BenchJob) => void;

function predictorOf(scenario: Scenario, snapshot: ForecastSnapshot): Predictor {
  const weightOf = (tenant: TenantId) => scenario.weights?.[tenant] ?? 1;
  const views = new Map<string, ReturnType<typeof viewSet>>();
  const added: BenchJob[] = [];
  return (job) => {
    const { candidateSet, tenantId, acceptedAt } = job;
    const view = views.get(candidateSet) ?? viewSet(snapshot, scenario.sets[candidateSet] ?? [], weightOf);
    views.set(candidateSet, view);
    const addedTokens = added
      .filter((other) => other.tenantId === tenantId && other.effectiveDeadlineAt <= job.effectiveDeadlineAt)
      .reduce((sum, { tokens }) => sum + tokens, 0);
    const estimate = estimateFinish({
      view,
      corrections: snapshot.corrections,
      candidateSet,
      job: { ...job, leadMs: leadOf(job), weight: weightOf(tenantId), place: "last", addedTokens },
      watchedMs: snapshot.watchedMs ?? 0,
      now: acceptedAt,
    });
    if (estimate !== undefined) job.estimate = estimate;
    added.push(job);
  };
}

function leadOf({
  effectiveDeadlineAt,
  acceptedAt,
}: Pick<BenchJob, "effectiveDeadlineAt" | "acceptedAt">): number {
  return effectiveDeadlineAt - acceptedAt;
}

function reportOf(accepted: readonly BenchJob[], ended: readonly BenchJob[]): ForecastReport {
  return {
    served: ended.map(({ targetId = "", tokens }) => ({ targetId, jobs: 1, tokens })),
    arrivals: accepted.map(({ candidateSet, tenantId, tokens, ...job }) => ({
      candidateSet,
      tenantId,
      tokens,
      leadMs: leadOf(job),
    })),
    finished: ended.flatMap(({ candidateSet, estimate, finishedAt = 0, ...job }) => {
      const { acceptedAt } = job;
      const leadMs = leadOf(job);
      return estimate === undefined
        ? []
        : [{ candidateSet, model: "auto", acceptedAt, leadMs, finishedAt, estimate }];
    }),
  };
}
