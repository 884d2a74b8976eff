import type { CallRecord, JobRecord } from "../log.ts";
import { servedAt } from "./served-at.ts";

const windowMs = 60_000;

/** Jain's fairness index: 1 when all are equal, 1/n when one has everything (Jain, Chiu, Hawe 1984). */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((all, share) => all + share, 0);
  const squares = shares.reduce((all, share) => all + share * share, 0);
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares);
}

/**
 * The least index over windows of 60 s in which every tenant had a job waiting throughout: of the tokens of the calls
 * that began in the window, divided by the tenant's weight. `null` with fewer than two tenants or no such window.
 */
export function jainOfWindows(
  jobs: readonly JobRecord[],
  calls: readonly CallRecord[],
  weightOf: (tenant: string) => number,
): number | null {
  const tenants = [...new Set(jobs.map((job) => job.tenant))];
  if (tenants.length < 2) return null;
  const waits = waitsByTenant(jobs, calls);
  const backlogs = tenants.map((tenant) => joined(waits.get(tenant) ?? []));
  // The windows begin where the last tenant's work does.
  const startAt = Math.max(...backlogs.map((spans) => spans[0]?.from ?? 0));
  const served = servedByWindow(jobs, calls, startAt);
  const indexes = [...served].flatMap(([window, tokens]) => {
    const from = startAt + window * windowMs;
    if (!backlogs.every((spans) => covers(spans, from, from + windowMs))) return [];
    return [jainIndex(tenants.map((tenant) => (tokens.get(tenant) ?? 0) / weightOf(tenant)))];
  });
  return indexes.length === 0 ? null : Math.min(...indexes);
}

/** Tokens by number of the window and tenant. */
function servedByWindow(jobs: readonly JobRecord[], calls: readonly CallRecord[], startAt: number) {
  const windows = new Map<number, Map<string, number>>();
  for (const call of calls) {
    if (call.ending !== "succeeded" || call.at < startAt) continue;
    const window = Math.floor((call.at - startAt) / windowMs);
    const tokens = windows.get(window) ?? new Map<string, number>();
    windows.set(window, tokens);
    const tenant = jobs[call.job]?.tenant ?? "";
    tokens.set(tenant, (tokens.get(tenant) ?? 0) + call.inputTokens + call.outputTokens);
  }
  return windows;
}

interface Span {
  readonly from: number;
  readonly until: number;
}

function waitsByTenant(jobs: readonly JobRecord[], calls: readonly CallRecord[]): Map<string, Span[]> {
  const waits = new Map<string, Span[]>();
  for (const [number, until] of servedAt(jobs, calls).entries()) {
    const job = jobs[number];
    if (job === undefined) continue;
    const own = waits.get(job.tenant) ?? [];
    waits.set(job.tenant, own);
    own.push({ from: job.arrivedAt, until });
  }
  return waits;
}

/** Spans that touch, as one. */
function joined(waits: readonly Span[]): Span[] {
  const spans: { from: number; until: number }[] = [];
  for (const wait of waits.toSorted((a, b) => a.from - b.from)) {
    const last = spans.at(-1);
    if (last !== undefined && wait.from <= last.until) last.until = Math.max(last.until, wait.until);
    else spans.push({ ...wait });
  }
  return spans;
}

function covers(spans: readonly Span[], from: number, until: number): boolean {
  return spans.some((span) => span.from <= from && span.until >= until);
}
