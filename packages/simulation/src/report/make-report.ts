import type { Config } from "@sluice/config";
import type { Target } from "@sluice/domain";
import type { CallRecord, JobRecord, RunLog } from "../log.ts";
import { modelOfTarget } from "../upstream/model-of-target.ts";
import { coverageOf } from "./coverage.ts";
import { jainOfWindows } from "./jain.ts";
import { ascending, quantile } from "./quantile.ts";
import type { ClassReport, Report, RunReport, TenantReport, Utilisation } from "./report.ts";
import { servedAt } from "./served-at.ts";

/** Makes the report of runs of one configuration. */
export function makeReport(config: Config, seed: number, logs: readonly RunLog[]): Report {
  return { seed, config_hash: config.hash, runs: logs.map((log) => runReport(config, log)) };
}

function runReport(config: Config, log: RunLog): RunReport {
  const { scheduler, jobs, calls } = log;
  const inState = (state: JobRecord["state"]) => jobs.filter((job) => job.state === state).length;
  const firstArrival = jobs.reduce((least, job) => Math.min(least, job.arrivedAt), Number.POSITIVE_INFINITY);
  return {
    scheduler,
    jobs: jobs.length,
    succeeded: inState("succeeded"),
    expired: inState("expired"),
    dead: inState("dead"),
    calls: calls.length,
    throttled: calls.filter((call) => call.ending === "throttled").length,
    spend_usd: calls.reduce((sum, call) => sum + call.costUsd, 0),
    makespan_ms: jobs.length === 0 ? 0 : log.endedAt - firstArrival,
    utilisation: utilisationOf(config, log),
    classes: byName(jobs, (job) => job.sla, classReport),
    tenants: tenantsOf(config, log),
    eta: coverageOf(jobs),
  };
}

function byName<Value>(
  jobs: readonly JobRecord[],
  nameOf: (job: JobRecord) => string,
  reportOf: (jobs: readonly JobRecord[]) => Value,
): Record<string, Value> {
  return Object.fromEntries([...Map.groupBy(jobs, nameOf)].map(([name, group]) => [name, reportOf(group)]));
}

function classReport(jobs: readonly JobRecord[]): ClassReport {
  const attained = jobs.filter((job) => job.state === "succeeded" && (job.finishedAt ?? 0) <= job.deadlineAt);
  const waits = ascending(
    jobs.flatMap((job) => (job.firstCallAt === undefined ? [] : [job.firstCallAt - job.arrivedAt])),
  );
  const wait = (share: number) => quantile(waits, share);
  return {
    jobs: jobs.length,
    attained: attained.length / jobs.length,
    wait_ms: { p50: wait(0.5), p95: wait(0.95), p99: wait(0.99) },
    eta: coverageOf(jobs),
  };
}

/** Jain's index is one for all tenants: it stands with each. */
function tenantsOf(config: Config, { jobs, calls }: RunLog): Record<string, TenantReport> {
  const weightOf = (tenant: string) => (config.tenants[tenant] ?? config.tenants["default"])?.weight ?? 1;
  const jain = jainOfWindows(jobs, calls, weightOf);
  const tokens = new Map(jobs.map((job) => [job.tenant, 0]));
  for (const call of calls) {
    if (call.ending !== "succeeded") continue;
    const tenant = jobs[call.job]?.tenant ?? "";
    tokens.set(tenant, (tokens.get(tenant) ?? 0) + call.inputTokens + call.outputTokens);
  }
  return Object.fromEntries([...tokens].map(([name, sum]) => [name, { tokens: sum, jain_window: jain }]));
}

function utilisationOf(config: Config, { jobs, calls }: RunLog): Record<string, Utilisation> {
  const from = calls[0]?.at ?? 0;
  // What is allowed in a minute may come within less.
  const until = servedAt(jobs, calls).reduce((latest, at) => Math.max(latest, at), from + 60_000);
  const targets = Object.values(config.pools).flatMap((pool) => pool.targets);
  return Object.fromEntries(
    targets.map((target) => {
      const own = calls.filter((call) => call.target === target.id && call.ending !== "throttled");
      return [target.id, useOf(config, target, own, { from, until })];
    }),
  );
}

function useOf(
  config: Config,
  target: Target,
  calls: readonly CallRecord[],
  { from, until }: { readonly from: number; readonly until: number },
): Utilisation {
  const { limits } = modelOfTarget(config, target);
  const minutes = (until - from) / 60_000;
  const within = calls.filter((call) => call.at < until);
  const inputs = within.reduce((sum, call) => sum + call.inputTokens, 0);
  const outputs = within.reduce((sum, call) => sum + call.outputTokens, 0);
  const busyMs = calls.reduce((sum, call) => sum + overlap(call, from, until), 0);
  const share = (used: number, limit: number | undefined) =>
    limit === undefined ? null : Math.min(1, used / minutes / limit);
  return {
    requests: share(within.length, limits.requestsPerMinute),
    tokens: largest([
      share(inputs + outputs, limits.tokensPerMinute),
      share(inputs, limits.inputTokensPerMinute),
      share(outputs, limits.outputTokensPerMinute),
    ]),
    concurrency: share(busyMs / 60_000, limits.concurrency),
  };
}

/** The limit that binds; `null` of none. */
function largest(shares: readonly (number | null)[]): number | null {
  return shares.reduce((most, share) => (share === null ? most : Math.max(most ?? 0, share)), null);
}

function overlap({ at, endedAt = at }: CallRecord, from: number, until: number): number {
  return Math.max(0, Math.min(endedAt, until) - Math.max(at, from));
}
