import { describe, expect, test } from "vitest";
import type { CallRecord, JobRecord, RunLog } from "../log.ts";
import { sceneConfig } from "../testing/scene.ts";
import { jainIndex } from "./jain.ts";
import { makeReport } from "./make-report.ts";
import { ascending, quantile } from "./quantile.ts";

const config = sceneConfig();

function job(changes: Partial<JobRecord> = {}): JobRecord {
  return {
    sla: "standard",
    tenant: "a",
    model: "auto",
    arrivedAt: 0,
    deadlineAt: 10_000,
    inputTokens: 1,
    outputTokens: 1,
    estimate: undefined,
    firstCallAt: 1_000,
    finishedAt: 5_000,
    state: "succeeded",
    ...changes,
  };
}

function call(changes: Partial<CallRecord> = {}): CallRecord {
  const sizes = { inputTokens: 600, outputTokens: 400 };
  return {
    job: 0,
    target: "large",
    at: 0,
    endedAt: 1_000,
    ...sizes,
    ending: "succeeded",
    costUsd: 0.5,
    ...changes,
  };
}

function reportOf(jobs: readonly JobRecord[], calls: readonly CallRecord[] = []) {
  const log: RunLog = { scheduler: "fifo", jobs, calls, samples: [], endedAt: 120_000 };
  const [run] = makeReport(config, 3, [log]).runs;
  if (run === undefined) throw new Error("no run");
  return run;
}

describe("makeReport", () => {
  test("counts endings, and as attained only what succeeded in time", () => {
    const run = reportOf([
      job(),
      job({ finishedAt: 10_001 }),
      job({ state: "expired", firstCallAt: undefined }),
      job({ state: "dead" }),
    ]);
    expect(run).toMatchObject({ jobs: 4, succeeded: 2, expired: 1, dead: 1, makespan_ms: 120_000 });
    expect(run.classes["standard"]).toMatchObject({ jobs: 4, attained: 0.25, wait_ms: { p50: 1_000 } });
  });

  test("counts what was refused, what it cost, and each limit's use from the first call to the last that a job waited for", () => {
    const calls = [
      call(),
      call({ at: 1, ending: "throttled", costUsd: 0 }),
      call({ at: 30_000, endedAt: 60_000 }),
      call({ at: 119_000, endedAt: 121_000 }),
      call({ job: 1, at: 120_000, endedAt: 121_000 }),
    ];
    const run = reportOf([job(), job()], calls);
    expect([run.calls, run.throttled, run.spend_usd]).toEqual([5, 1, 2]);
    // Three calls within two minutes at 60 requests, 30,000 tokens and 20 places a minute; 32 s of places.
    expect(run.utilisation["large"]?.requests).toBeCloseTo(3 / 2 / 60, 5);
    expect(run.utilisation["large"]?.tokens).toBeCloseTo(3_000 / 2 / 30_000, 5);
    expect(run.utilisation["large"]?.concurrency).toBeCloseTo(32 / 120 / 20, 5);
    expect(run.utilisation["small"]).toEqual({ requests: 0, tokens: 0, concurrency: null });
  });

  test("never counts more than a minute's limit as used when everything comes within less", () => {
    const run = reportOf([job()], [call({ inputTokens: 30_000, outputTokens: 0 })]);
    expect(run.utilisation["large"]?.tokens).toBe(1);
  });

  test("says how many estimates were kept, unfinished ones not", () => {
    const estimate = { p50At: 4_000, p95At: 6_000 };
    const run = reportOf([
      job({ estimate }),
      job({ estimate, finishedAt: 3_000 }),
      job({ estimate, finishedAt: 7_000 }),
      job(),
    ]);
    expect(run.eta.p50_coverage).toBeCloseTo(1 / 3);
    expect(run.eta.p95_coverage).toBeCloseTo(2 / 3);
    expect(run.classes["standard"]?.eta).toEqual(run.eta);
    const none = { p50_coverage: null, p95_coverage: null, width_ms: null, constant_width_ms: null };
    expect(reportOf([job()]).eta).toEqual(none);
  });

  test("says how wide estimates were, beside one that tells every job what came out in the end", () => {
    const run = reportOf(
      [1_000, 3_000, 10_000].map((p95At, n) =>
        job({ estimate: { p50At: 500, p95At }, finishedAt: (n + 1) * 2_000 }),
      ),
    );
    expect(run.eta).toMatchObject({ width_ms: 2_500, constant_width_ms: 2_000 });
  });

  test("takes Jain's index of the least fair minute in which all tenants waited, by weight", () => {
    const of = (...tenants: string[]) => [...tenants, ...tenants].map((tenant) => job({ tenant }));
    // One of each is served at once, another of each after more than a minute; a refusal serves nobody.
    const calls = [
      call({ job: 0 }),
      call({ job: 1 }),
      call({ job: 2, at: 1, ending: "throttled" }),
      call({ job: 2, at: 60_500 }),
      call({ job: 3, at: 61_000 }),
    ];
    expect(reportOf(of("a", "b"), calls).tenants["a"]).toEqual({ tokens: 2_000, jain_window: 1 });
    const uneven = reportOf(of("heavy", "b"), calls).tenants["b"];
    expect(uneven?.jain_window).toBeCloseTo(jainIndex([0.5, 1]), 5);
    expect(reportOf(of("a", "b"), calls.slice(0, 4)).tenants["a"]?.jain_window).toBeNull();
    expect(reportOf(of("a"), calls.slice(0, 1)).tenants["a"]?.jain_window).toBeNull();
  });
});

test("quantiles are values that occurred, by nearest rank", () => {
  const values = ascending([5, 1, 4, 2, 3]);
  expect([0, 0.5, 0.8, 0.81, 1].map((share) => quantile(values, share))).toEqual([1, 3, 4, 5, 5]);
  expect(quantile([], 0.5)).toBeNull();
});
