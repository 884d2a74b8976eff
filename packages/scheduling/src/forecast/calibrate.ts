import type { Correction, KeptPromise } from "@sluice/domain";
import { horizonOf } from "./horizons.ts";

/** What predictions are corrected alike. */
export interface PredictionKind {
  readonly candidateSet: string;
  readonly waitMs: number;
  /** From acceptance to the effective deadline: who has longer is overtaken by more. */
  readonly leadMs: number;
}

/** How predictions of this kind have been off; of the set while enough of its own have come true, else of all sets. */
export function correctionOf(
  corrections: Readonly<Record<string, Correction>>,
  kind: PredictionKind,
): Correction | undefined {
  return corrections[ownKey(kind)] ?? corrections[commonKey(kind)];
}

function commonKey({ waitMs, leadMs }: Omit<PredictionKind, "candidateSet">): string {
  return `${horizonOf(waitMs)}/${horizonOf(leadMs)}`;
}

function ownKey(kind: PredictionKind): string {
  return `${commonKey(kind)}:${kind.candidateSet}`;
}

/** Learns from predictions how the next ones must be corrected. */
export interface Calibration {
  /** What has come true since the last time, and how many jobs have outlived their p95 meanwhile and still do. */
  learn(seen: CalibrationSample): void;
  /** By set and horizon where enough is known of the set, and by horizon. */
  corrections(): Record<string, Correction>;
}

export interface CalibrationSample {
  readonly finished: readonly KeptPromise[];
  readonly overdue: readonly {
    readonly candidateSet: string;
    readonly waitMs: number;
    readonly leadMs: number;
    readonly jobs: number;
  }[];
  /** A p95 before this moment that has passed was counted as overdue already. */
  readonly overdueBefore: number;
}

/**
 * Keeps, by horizon and lead, what the last predictions were off by, and takes their quantiles for the next. The quantile
 * that is asked moves with each prediction that was kept or not (adaptive conformal inference, Gibbs and Candès, 2021), so
 * that the share of kept ones holds when the load drifts. Kinds are kept apart because they err apart: a job with a day
 * is overtaken by whatever comes, one with seconds by nothing (Mondrian conformal prediction, Vovk et al., 2003). Goes on
 * from what another leader had published.
 */
export function createCalibration(begin: Readonly<Record<string, Correction>> = {}): Calibration {
  const lines = new Map<string, Line>();

  function linesOf(kind: PredictionKind): Line[] {
    return [commonKey(kind), ownKey(kind)].map((key) => {
      const line = lines.get(key) ?? newLine();
      lines.set(key, line);
      return line;
    });
  }

  return {
    learn({ finished, overdue, overdueBefore }) {
      for (const promise of finished)
        for (const line of linesOf({ ...promise, waitMs: promise.estimate.waitMs }))
          noteFinish(line, promise, overdueBefore);
      for (const sum of overdue) for (const line of linesOf(sum)) line.missed += sum.jobs;
      for (const line of lines.values()) adapt(line);
      forget(lines);
    },
    corrections() {
      const known = [...lines].filter(([key, line]) => line.seen >= (key.includes(":") ? enough : 1));
      return { ...begin, ...Object.fromEntries(known.map(([key, { correction }]) => [key, correction])) };
    },
  };
}

/** How predictions of one kind have come true. */
interface Line {
  /** Ratios of what came true to what was predicted, one of each turn: the newest, in a ring. */
  readonly ratios: number[];
  /** Of predictions that have come true, ever. */
  seen: number;
  /** Of them, how many have come into the ring. */
  turns: number;
  level50: number;
  level95: number;
  correction: Correction;
  /** Since the last adaptation. */
  fresh: boolean;
  missed: number;
  kept: number;
  missed50: number;
  kept50: number;
}

const kept = 300;
/** Taken for seen at the beginning. */
const imagined = 20;
/** Predictions of a set are corrected by its own once so many of them have come true. */
const enough = 50;
/** Sets are few, but requests may narrow their targets in any way. */
const mostLines = 1_000;

function newLine(): Line {
  const counts = { fresh: false, missed: 0, kept: 0, missed50: 0, kept50: 0 };
  return {
    ratios: [],
    seen: 0,
    turns: 0,
    level50: 0.5,
    level95: 0.95,
    correction: { p50: 1, p95: 1 },
    ...counts,
  };
}

/** As if some had come true already, drawn from a distribution with this median and this 95 % point. */
function imaginedRatios({ p50, p95 }: Correction): number[] {
  const spread = Math.log(p95 / p50) / 1.645;
  return Array.from({ length: imagined }, (_, index) => p50 * Math.exp(spread * normal(index)));
}

/** The middle of each of `imagined` equal parts of a normal distribution, nearly. */
function normal(index: number): number {
  const share = (index + 0.5) / imagined;
  return (share ** 0.135 - (1 - share) ** 0.135) / 0.1975;
}

function noteFinish(
  line: Line,
  { acceptedAt, finishedAt, estimate }: KeptPromise,
  overdueBefore: number,
): void {
  const predictedMs = Math.max(1, estimate.waitMs + estimate.serviceMs);
  const ratio = (finishedAt - acceptedAt) / predictedMs;
  if (line.seen === 0) {
    const [p50, p95] = [estimate.p50At, estimate.p95At].map((at) => (at - acceptedAt) / predictedMs);
    line.ratios.push(...imaginedRatios({ p50: p50 ?? 1, p95: p95 ?? 1 }));
  }
  // Those of one turn have waited for the same: the first stands for all.
  if (!line.fresh) {
    line.ratios[line.ratios.length < kept ? line.ratios.length : line.turns % kept] = ratio;
    line.turns += 1;
  }
  line.seen += 1;
  line.fresh = true;
  if (finishedAt <= estimate.p50At) line.kept50 += 1;
  else line.missed50 += 1;
  if (finishedAt <= estimate.p95At) line.kept += 1;
  else if (estimate.p95At >= overdueBefore) line.missed += 1;
}

/** How far the predictions that come true in one turn move the quantile that is asked. */
const step = 0.01;
/** A little more than is promised: misses come in heaps. */
const aim95 = 0.96;
const levels50 = { least: 0.1, most: 0.9 };
const levels95 = { least: 0.75, most: 1.15 };

function adapt(line: Line): void {
  if (!line.fresh && line.missed === 0) return;
  line.level95 = moved(line.level95, line.missed, line.kept, { aim: aim95, ...levels95 });
  line.level50 = moved(line.level50, line.missed50, line.kept50, { aim: 0.5, ...levels50 });
  const sorted = line.ratios.toSorted((a, b) => a - b);
  const p50 = quantile(sorted, line.level50);
  line.correction = { p50, p95: Math.max(quantile(sorted, line.level95), p50 * leastSpread) };
  Object.assign(line, { fresh: false, missed: 0, kept: 0, missed50: 0, kept50: 0 });
}

const leastSpread = 1.02;

interface Bounds {
  readonly aim: number;
  readonly least: number;
  readonly most: number;
}

function moved(level: number, missed: number, kept: number, { aim, least, most }: Bounds): number {
  if (missed + kept === 0) return level;
  const by = step * (missed / (missed + kept) - (1 - aim));
  return Math.min(most, Math.max(least, level + by));
}

/** Above this the samples say nothing more, and the quantile goes on as an exponential. */
const highest = 0.985;
const growth = 12;

function quantile(sorted: readonly number[], level: number): number {
  const within = Math.min(level, highest);
  const at = within * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)] ?? 1, sorted[Math.ceil(at)] ?? 1];
  const value = below + (above - below) * (at - Math.floor(at));
  return level > highest ? value * Math.exp(growth * (level - highest)) : value;
}

/** Drops the lines of single sets when there are too many, those that were begun first. */
function forget(lines: Map<string, Line>): void {
  for (const key of lines.keys()) {
    if (lines.size <= mostLines) return;
    if (key.includes(":")) lines.delete(key);
  }
}
