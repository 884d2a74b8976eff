import type { Config } from "@sluice/config";
import type { CallRecord, RunLog } from "../log.ts";
import { ascending, quantile } from "../report/quantile.ts";
import { modelOfTarget } from "../upstream/model-of-target.ts";

/** A line of a chart: moments in ms of the simulation, and values. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly at: number; readonly value: number }[];
}

const minuteMs = 60_000;
const mostPoints = 200;

/** Jobs that wait, by class: the most of each span. */
export function queueDepths({ samples, endedAt }: RunLog, classes: readonly string[]): Series[] {
  const spanMs = spanOf(endedAt, 5_000);
  const spans = Map.groupBy(samples, ({ at }) => Math.floor(at / spanMs));
  return classes.map((name) => ({
    name,
    points: [...spans].map(([span, within]) => ({
      at: span * spanMs,
      value: within.reduce((most, { waiting }) => Math.max(most, waiting[name] ?? 0), 0),
    })),
  }));
}

/** Per cent of its limit on tokens, or else on requests, that each target had taken in the minute before. */
export function utilisation({ calls, endedAt }: RunLog, config: Config): Series[] {
  const targets = Object.values(config.pools).flatMap((pool) => pool.targets);
  return targets.flatMap((target) => {
    const { tokensPerMinute, requestsPerMinute } = modelOfTarget(config, target).limits;
    const limit = tokensPerMinute ?? requestsPerMinute;
    if (limit === undefined) return [];
    const taken = calls.filter((call) => call.target === target.id && call.ending !== "throttled");
    const unitsOf = ({ inputTokens, outputTokens }: CallRecord) =>
      tokensPerMinute === undefined ? 1 : inputTokens + outputTokens;
    return [
      {
        name: target.id,
        points: slidingSums(taken, unitsOf, endedAt).map(({ at, sum }) => ({
          at,
          value: (100 * sum) / limit,
        })),
      },
    ];
  });
}

/** Sums over the minute that ends at each moment; calls are in order of time. */
function slidingSums(calls: readonly CallRecord[], unitsOf: (call: CallRecord) => number, endedAt: number) {
  const spanMs = spanOf(endedAt, 10_000);
  const sums: { readonly at: number; readonly sum: number }[] = [];
  let [first, next, sum] = [0, 0, 0];
  for (let at = 0; at <= endedAt; at += spanMs) {
    for (let call = calls[next]; call !== undefined && call.at <= at; call = calls[next]) {
      sum += unitsOf(call);
      next += 1;
    }
    for (let call = calls[first]; call !== undefined && call.at <= at - minuteMs; call = calls[first]) {
      sum -= unitsOf(call);
      first += 1;
    }
    sums.push({ at, sum });
  }
  return sums;
}

/** Calls a minute that were answered with 429, by target. */
export function refusals({ calls, endedAt }: RunLog, config: Config): Series[] {
  const targets = Object.values(config.pools).flatMap((pool) => pool.targets);
  return targets.map(({ id }) => {
    const refused = calls.filter((call) => call.target === id && call.ending === "throttled");
    const sums = slidingSums(refused, () => 1, endedAt);
    return { name: id, points: sums.map(({ at, sum }) => ({ at, value: sum })) };
  });
}

/**
 * How much of the time from arrival to deadline a job had taken when it ended: per cent, the 95th percentile of those
 * that ended in a span; above 100 is late. By class, so that one of 30 s and one of a day can stand in one chart.
 */
export function lateness({ jobs, endedAt }: RunLog, classes: readonly string[]): Series[] {
  const spanMs = spanOf(endedAt, minuteMs);
  const byClass = Map.groupBy(jobs, (job) => job.sla);
  return classes.map((name) => {
    const ended = (byClass.get(name) ?? []).flatMap(({ arrivedAt, deadlineAt, finishedAt }) =>
      finishedAt === undefined || deadlineAt <= arrivedAt
        ? []
        : [{ finishedAt, taken: (100 * (finishedAt - arrivedAt)) / (deadlineAt - arrivedAt) }],
    );
    const spans = Map.groupBy(ended, ({ finishedAt }) => Math.floor(finishedAt / spanMs));
    const points = [...spans].map(([span, group]) => ({
      at: span * spanMs,
      value: quantile(ascending(group.map(({ taken }) => taken)), 0.95) ?? 0,
    }));
    return { name, points: points.toSorted((a, b) => a.at - b.at) };
  });
}

/** A multiple of `leastMs` of which a run has at most {@link mostPoints}. */
function spanOf(endedAt: number, leastMs: number): number {
  return leastMs * Math.max(1, Math.ceil(endedAt / mostPoints / leastMs));
}
