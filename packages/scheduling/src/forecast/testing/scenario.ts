import type { KeptEstimate, TenantId } from "@sluice/domain";

/** What comes of one kind: a stream, or a heap of jobs at once. */
export type Traffic = {
  readonly tenantId: TenantId;
  readonly candidateSet: string;
  /** From acceptance to the effective deadline. */
  readonly leadMs: number;
  /** Mean. */
  readonly tokens: number;
} & (
  | { readonly jobsPerSecond: (atMs: number) => number }
  | { readonly heap: { readonly atMs: number; readonly jobs: number } }
);

/** A target that takes a number of calls at once. */
export interface BenchTarget {
  readonly id: string;
  readonly slots: number;
  /** Mean, of a job of {@link usualTokens}; longer jobs take longer. */
  readonly callMs: number;
  /** What its calls take at a moment, beside what is usual. */
  readonly slowness?: (atMs: number) => number;
}

/** A queue to predict. */
export interface Scenario {
  readonly seed: number;
  /** Nothing comes afterwards. */
  readonly untilMs: number;
  readonly targets: readonly BenchTarget[];
  /** Targets by candidate set. */
  readonly sets: Readonly<Record<string, readonly string[]>>;
  /** By tenant; 1 where none is named. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly traffic: readonly Traffic[];
}

export const usualTokens = 1_000;

/** A job of a scenario with what was predicted of it and what came true. */
export interface BenchJob {
  readonly tenantId: TenantId;
  readonly candidateSet: string;
  readonly tokens: number;
  readonly acceptedAt: number;
  readonly effectiveDeadlineAt: number;
  estimate?: KeptEstimate;
  targetId?: string;
  startedAt?: number;
  finishedAt?: number;
}

/** A factor with mean 1, drawn from a log-normal distribution (Box and Muller's normal numbers). */
export function spread(random: () => number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.exp(sigma * normal - (sigma * sigma) / 2);
}

const drawEveryMs = 100;

/** The jobs of a scenario in order of arrival. */
export function drawJobs({ traffic, untilMs }: Scenario, random: () => number): BenchJob[] {
  const jobs: BenchJob[] = [];
  for (const each of traffic) {
    const { tenantId, candidateSet, leadMs } = each;
    const add = (acceptedAt: number) => {
      const tokens = Math.max(20, Math.round(each.tokens * spread(random, 0.7)));
      jobs.push({ tenantId, candidateSet, tokens, acceptedAt, effectiveDeadlineAt: acceptedAt + leadMs });
    };
    if ("heap" in each) {
      for (let count = 0; count < each.heap.jobs; count += 1) add(each.heap.atMs);
      continue;
    }
    for (let at = 0; at < untilMs; at += drawEveryMs)
      if (random() < each.jobsPerSecond(at) * (drawEveryMs / 1000))
        add(at + Math.floor(drawEveryMs * random()));
  }
  return jobs.sort((a, b) => a.acceptedAt - b.acceptedAt);
}
