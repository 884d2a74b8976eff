import type { BenchJob } from "./scenario.ts";

/** How predictions came true. */
export interface Coverage {
  readonly jobs: number;
  /** Shares of jobs that finished by then. */
  readonly byP50: number;
  readonly byP95: number;
  /** Mean of p95 − p50 in seconds, beside that of a predictor that tells every job the same, and rightly. */
  readonly widthSeconds: number;
  readonly constantWidthSeconds: number;
}

/** Of the jobs that were predicted. */
export function coverageOf(jobs: readonly BenchJob[]): Coverage {
  const predicted = jobs.flatMap(({ acceptedAt, finishedAt, estimate }) =>
    estimate === undefined || finishedAt === undefined ? [] : [{ acceptedAt, finishedAt, estimate }],
  );
  const lasted = predicted.map((job) => job.finishedAt - job.acceptedAt).sort((a, b) => a - b);
  const share = (at: "p50At" | "p95At") =>
    predicted.filter((job) => job.finishedAt <= job.estimate[at]).length / predicted.length;
  const quantile = (level: number) => lasted[Math.floor(level * (lasted.length - 1))] ?? 0;
  const width = predicted.reduce((sum, { estimate }) => sum + estimate.p95At - estimate.p50At, 0);
  return {
    jobs: predicted.length,
    byP50: share("p50At"),
    byP95: share("p95At"),
    widthSeconds: width / predicted.length / 1000,
    constantWidthSeconds: (quantile(0.95) - quantile(0.5)) / 1000,
  };
}
