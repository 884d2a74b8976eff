import type { Config } from "@sluice/config";
import type { JobRecord, RunLog } from "../log.ts";
import { ascending, quantile } from "../report/quantile.ts";
import { modelOfTarget } from "../upstream/model-of-target.ts";

/** A line of a chart: moments in ms of the simulation, and values. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly at: number; readonly value: number }[];
}

const bucketMs = 30_000;
const minuteMs = 60_000;

/** Jobs that wait, by class. */
export function queueDepths({ samples, jobs }: RunLog): Series[] {
  const classes = [...new Set(jobs.map((job) => job.sla))];
  return classes.map((name) => ({
    name,
    points: samples.map(({ at, waiting }) => ({ at, value: waiting[name] ?? 0 })),
  }));
}

/** Share of the tokens, or else of the requests, of a minute that each target took, by 30 s. */
export function utilisation(config: Config, { calls, endedAt }: RunLog): Series[] {
  const targets = Object.values(config.pools).flatMap((pool) => pool.targets);
  return targets.flatMap((target) => {
    const { tokensPerMinute, requestsPerMinute } = modelOfTarget(config, target).limits;
    const limit = tokensPerMinute ?? requestsPerMinute;
    if (limit === undefined) return [];
    const sums = new Float64Array(Math.ceil(endedAt / bucketMs) + 1);
    for (const call of calls) {
      if (call.target !== target.id || call.ending === "throttled") continue;
      const bucket = Math.floor(call.at / bucketMs);
      const units = tokensPerMinute === undefined ? 1 : call.inputTokens + call.outputTokens;
      sums[bucket] = (sums[bucket] ?? 0) + units;
    }
    const perBucket = (limit * bucketMs) / minuteMs;
    return [
      { name: target.id, points: [...sums].map((sum, n) => ({ at: n * bucketMs, value: sum / perBucket })) },
    ];
  });
}

/** How late jobs ended against their deadlines (95th percentile of a minute, in s; below 0 is in time), by class. */
export function lateness({ jobs }: RunLog): Series[] {
  return [...Map.groupBy(jobs, (job) => job.sla)].map(([name, group]) => {
    const minutes = [
      ...Map.groupBy(group.filter(hasEnded), ({ finishedAt = 0 }) => Math.floor(finishedAt / minuteMs)),
    ];
    const points = minutes.map(([minute, ended]) => {
      const late = ascending(ended.map((job) => ((job.finishedAt ?? 0) - job.deadlineAt) / 1000));
      return { at: minute * minuteMs, value: quantile(late, 0.95) ?? 0 };
    });
    return { name, points: points.toSorted((a, b) => a.at - b.at) };
  });
}

function hasEnded(job: JobRecord): boolean {
  return job.finishedAt !== undefined;
}
