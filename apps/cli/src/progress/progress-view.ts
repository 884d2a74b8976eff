import { count, duration, plural, rate, usd } from "../format.ts";

/** How far a batch is. */
export interface BatchProgress {
  readonly status: string;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly perSecond: number;
  /** Until the last line ends; `undefined` while nothing moves. */
  readonly etaMs: number | undefined;
  readonly spendUsd: number;
  /** Answered calls by pool; empty when nobody tells. */
  readonly pools: Readonly<Record<string, number>>;
}

const widest = 24;
const narrowest = 5;

/** Share of lines that ended, 0..1. */
export function shareDone({ succeeded, failed, total }: BatchProgress): number {
  return total === 0 ? 0 : Math.min(1, (succeeded + failed) / total);
}

/** One line for a terminal of `columns`: a bar in the room that the numbers leave, cut where it would wrap. */
export function progressBar(progress: BatchProgress, columns: number): string {
  if (progress.total === 0) return `${progress.status} …`.slice(0, columns);
  const { succeeded, failed, total } = progress;
  const numbers = [`${count(succeeded + failed)}/${count(total)}`, ...parts(progress)].join("  ");
  const text = `${percent(progress)}  ${numbers}`;
  const width = Math.max(narrowest, Math.min(widest, columns - text.length - 4));
  const full = Math.round(shareDone(progress) * width);
  const bar = `[${"#".repeat(full)}${".".repeat(width - full)}]`;
  return `${bar} ${text}`.slice(0, Math.max(1, columns - 1));
}

/** One plain line, for logs and pipes. */
export function progressLine(progress: BatchProgress): string {
  if (progress.total === 0) return progress.status;
  const { succeeded, failed, total } = progress;
  const done = `${count(succeeded + failed)} of ${count(total)} done`;
  return [percent(progress), done, ...parts(progress)].join(", ");
}

function percent(progress: BatchProgress): string {
  return `${String(Math.floor(shareDone(progress) * 100)).padStart(3)} %`;
}

function parts({ failed, perSecond, etaMs, spendUsd, pools }: BatchProgress): string[] {
  const eta = etaMs === undefined ? "ETA unknown" : `ETA ${duration(etaMs)}`;
  const told = [`${count(failed)} failed`, rate(perSecond), eta, usd(spendUsd)];
  const byPool = poolCounts(pools);
  return byPool === "" ? told : [...told, byPool];
}

/** `large 12, small 30`; empty without pools. */
function poolCounts(pools: Readonly<Record<string, number>>): string {
  return Object.entries(pools)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([pool, calls]) => `${pool} ${count(calls)}`)
    .join(", ");
}

/** The last word on a batch that has ended. */
export function summaryLine(progress: BatchProgress, tookMs: number): string {
  const { total, succeeded, failed, spendUsd, pools } = progress;
  const unfinished = total - succeeded - failed;
  const rest = unfinished > 0 ? `, ${count(unfinished)} cancelled` : "";
  const speed = tookMs > 0 ? ` (${rate(((succeeded + failed) * 1000) / tookMs)})` : "";
  const byPool = poolCounts(pools);
  const where = byPool === "" ? "" : `, calls by pool: ${byPool}`;
  return `${plural(total, "line")}: ${count(succeeded)} succeeded, ${count(failed)} failed${rest} in ${duration(tookMs)}${speed}, ${usd(spendUsd)}${where}`;
}
