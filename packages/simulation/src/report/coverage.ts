import type { JobRecord } from "../log.ts";
import { ascending, quantile } from "./quantile.ts";
import type { Coverage } from "./report.ts";

/** How the estimates of jobs were kept, and how wide they were. */
export function coverageOf(jobs: readonly JobRecord[]): Coverage {
  const predicted = jobs.flatMap((job) => (job.estimate === undefined ? [] : [{ ...job, ...job.estimate }]));
  const share = (at: "p50At" | "p95At") =>
    predicted.length === 0 ? null : predicted.filter((job) => isBy(job, job[at])).length / predicted.length;
  return {
    p50_coverage: share("p50At"),
    p95_coverage: share("p95At"),
    width_ms: quantile(ascending(predicted.map(({ p50At, p95At }) => p95At - p50At)), 0.5),
    constant_width_ms: constantWidth(predicted),
  };
}

function isBy({ finishedAt }: Pick<JobRecord, "finishedAt">, at: number): boolean {
  return finishedAt !== undefined && finishedAt <= at;
}

/** One that never finished took longer than all others. */
function constantWidth(jobs: readonly JobRecord[]): number | null {
  const took = ascending(jobs.map((job) => (job.finishedAt ?? Number.POSITIVE_INFINITY) - job.arrivedAt));
  const [p50, p95] = [quantile(took, 0.5), quantile(took, 0.95)];
  return p50 === null || p95 === null || p95 === Number.POSITIVE_INFINITY ? null : p95 - p50;
}
