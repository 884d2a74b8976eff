import { judgeBatches, judgeSpend } from "./judge-sums.ts";
import type { Bounds, RunRecord } from "./run-record.ts";
import type { Rule, Violation } from "./violation.ts";

/** What was found, and the figures of a report. */
export interface Judgement {
  readonly violations: readonly Violation[];
  /** Promised jobs without an outcome. */
  readonly lost: number;
  /** Jobs with two outcomes, or that were served two results. */
  readonly duplicatedOutcomes: number;
  /** Calls that were or may have been paid for beyond one for each job. */
  readonly duplicateCalls: number;
}

/** Judges a run by its record alone: it asks nothing and knows no clock. */
export function judgeRun(run: RunRecord, bounds: Bounds): Judgement {
  const endings = judgeEndings(run);
  const served = judgeServed(run);
  const calls = judgeCalls(run, bounds);
  const violations = [
    ...endings.violations,
    ...served,
    ...calls.violations,
    ...judgeEvents(run, bounds),
    ...judgeBatches(run),
    ...judgeSpend(run),
    ...run.leftBehind.map((detail): Violation => ({ rule: "nothing is left behind", detail })),
  ];
  return {
    violations,
    lost: endings.lost,
    duplicatedOutcomes: endings.twice + served.length,
    duplicateCalls: calls.duplicates,
  };
}

function judgeEndings({ promised, ledger }: RunRecord) {
  const ended = countBy(ledger.outcomes, ({ jobId }) => jobId);
  const known = new Set(promised);
  const lost = [...known].filter((id) => !ended.has(id));
  const unasked = ledger.jobs.filter((id) => !known.has(id));
  const twice = [...ended].filter(([, count]) => count > 1);
  const violations: Violation[] = [
    ...lost.map((detail): Violation => ({ rule: "every 202 has an outcome", detail })),
    ...ledger.unfinished.map(
      (id): Violation => ({ rule: "every 202 has an outcome", detail: `${id} is still live` }),
    ),
    ...unasked.map((detail): Violation => ({ rule: "no job without a 202", detail })),
    ...twice.map(([detail]): Violation => ({ rule: "one outcome for each job", detail })),
  ];
  return { violations, lost: lost.length, twice: twice.length };
}

function judgeServed({ served }: RunRecord): Violation[] {
  const seen = new Map<string, Set<string>>();
  for (const { jobId, state, digest } of served)
    seen.set(jobId, (seen.get(jobId) ?? new Set()).add(`${state} ${digest}`));
  return [...seen].flatMap(([id, results]): Violation[] =>
    results.size < 2
      ? []
      : [{ rule: "one result is served for each job", detail: `${id}: ${[...results].join(" and ")}` }],
  );
}

/** A call that was answered, or that we left when it may have been answered, can have been paid for. */
const maybePaid = (status: number | null): boolean => status === null || status === 200 || status === 499;
/** Endings of an attempt whose answer did not become the outcome, though there may have been one. */
const unusedEndings = new Set<string | null>([
  "lost",
  "fenced",
  "aborted",
  "unreachable",
  "timed-out",
  "malformed",
]);

function judgeCalls({ calls, callsDropped, ledger }: RunRecord, { duplicateCalls }: Bounds) {
  const violations: Violation[] = [];
  const add = (rule: Rule, detail: string): void => void violations.push({ rule, detail });
  if (callsDropped > 0) add("the upstream's log is whole", `${callsDropped} calls are missing`);
  const attempts = countBy(ledger.attempts, ({ jobId }) => jobId);
  for (const [id, count] of countBy(calls, ({ jobId }) => jobId))
    if (count > (attempts.get(id) ?? 0))
      add("every call belongs to an attempt", `${id}: ${count} calls, ${attempts.get(id) ?? 0} attempts`);
  for (const { jobId, epoch, outcome } of ledger.attempts)
    if (outcome === null) add("every attempt has an ending", `${jobId}, attempt ${epoch}`);
  const unused = countBy(
    ledger.attempts.filter(({ outcome }) => unusedEndings.has(outcome)),
    ({ jobId }) => jobId,
  );
  let duplicates = 0;
  for (const [id, paid] of countBy(
    calls.filter(({ status }) => maybePaid(status)),
    ({ jobId }) => jobId,
  )) {
    duplicates += paid - 1;
    if (paid - 1 > (unused.get(id) ?? 0))
      add(
        "every duplicate call is written down",
        `${id}: ${paid} paid calls, ${unused.get(id) ?? 0} unused attempts`,
      );
  }
  if (duplicates > duplicateCalls)
    add("duplicate calls stay within the bound", `${duplicates}, at most ${duplicateCalls}`);
  return { violations, duplicates };
}

function judgeEvents({ webhooks, ledger }: RunRecord, { told }: Bounds): Violation[] {
  const violations: Violation[] = [];
  const arrived = new Map<string, Set<string>>();
  for (const { webhookId, type, objectId } of webhooks) {
    const key = `${type} of ${objectId}`;
    arrived.set(key, (arrived.get(key) ?? new Set()).add(webhookId));
  }
  for (const [key, ids] of arrived)
    if (ids.size > 1) violations.push({ rule: "an event keeps its one id", detail: key });
  const ids = new Set(webhooks.map(({ webhookId }) => webhookId));
  for (const { eventId, objectId, type, state } of ledger.deliveries)
    if (state !== "given_up" && !ids.has(eventId))
      violations.push({
        rule: "every ending is told or given up",
        detail: `${type} of ${objectId} is ${state}`,
      });
  const carried = new Set(ledger.deliveries.map(({ objectId }) => objectId));
  for (const id of told)
    if (!carried.has(id))
      violations.push({ rule: "every ending is told or given up", detail: `${id} has no delivery` });
  return violations;
}

function countBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(keyOf(value), (counts.get(keyOf(value)) ?? 0) + 1);
  return counts;
}
