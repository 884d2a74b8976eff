import type { CallRecord, JobRecord } from "../log.ts";

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
  const backlogs = tenants.map((tenant) => backlogOf(jobs.filter((job) => job.tenant === tenant)));
  const from = Math.max(...backlogs.map((spans) => spans[0]?.from ?? Number.POSITIVE_INFINITY));
  const until = Math.max(...backlogs.map((spans) => spans.at(-1)?.until ?? 0));
  const indexes: number[] = [];
  for (let start = from; start + windowMs <= until; start += windowMs) {
    if (!backlogs.every((spans) => covers(spans, start, start + windowMs))) continue;
    const served = new Map(tenants.map((tenant) => [tenant, 0]));
    for (const call of calls) {
      if (call.ending !== "succeeded" || call.at < start || call.at >= start + windowMs) continue;
      const tenant = jobs[call.job]?.tenant ?? "";
      served.set(tenant, (served.get(tenant) ?? 0) + call.inputTokens + call.outputTokens);
    }
    indexes.push(jainIndex([...served].map(([tenant, tokens]) => tokens / weightOf(tenant))));
  }
  return indexes.length === 0 ? null : Math.min(...indexes);
}

interface Span {
  readonly from: number;
  readonly until: number;
}

/** When at least one of these jobs waited for its first call. */
function backlogOf(jobs: readonly JobRecord[]): Span[] {
  const waits = jobs
    .map((job) => ({ from: job.arrivedAt, until: job.firstCallAt ?? job.finishedAt ?? job.arrivedAt }))
    .sort((a, b) => a.from - b.from);
  const spans: { from: number; until: number }[] = [];
  for (const wait of waits) {
    const last = spans.at(-1);
    if (last !== undefined && wait.from <= last.until) last.until = Math.max(last.until, wait.until);
    else spans.push({ ...wait });
  }
  return spans;
}

function covers(spans: readonly Span[], from: number, until: number): boolean {
  return spans.some((span) => span.from <= from && span.until >= until);
}
