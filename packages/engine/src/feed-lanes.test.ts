import { type EngineConfig, idFromUuid, type JobSpec, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFeedLedger } from "../../../test/kit/fakes/memory-feed-ledger.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createMemoryLanes } from "../../../test/kit/fakes/memory-lanes.ts";
import {
  createCountingIds,
  createRecordingLogger,
  createRecordingMetrics,
} from "../../../test/kit/fakes/records.ts";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import type { Standing } from "../../../test/kit/feed-conformance.ts";
import { sampleConfig, sampleJob, sampleMoment, sampleTarget } from "../../../test/kit/samples.ts";
import { createFeeder } from "./feed-lanes.ts";
import { createWindowSizes } from "./window-sizes.ts";

const unfed = { kind: "unfed" } as const;
const laned = { kind: "laned" } as const;

/** One target of 3 places: a window of 24, and 12 express places, for every set whose sample asks for `auto`. */
function setup(changes: Partial<EngineConfig> = {}) {
  const ledger = createMemoryFeedLedger();
  const lanes = createMemoryLanes();
  const clock = createFakeClock();
  const metrics = createRecordingMetrics();
  const ids = createCountingIds();
  const capacity = createScriptedCapacity();
  const now = { config: sampleConfig([sampleTarget("one", { limits: { concurrency: 3 } })], changes) };
  const config = () => now.config;
  const logger = createRecordingLogger();
  const sizes = createWindowSizes({ capacity, files: createMemoryFiles(), clock, logger, config });
  const feed = createFeeder({ ledger, lanes, sizes, clock, metrics, config });

  function put(count: number, standing: Standing, spec: Partial<JobSpec> = {}): JobSpec[] {
    return Array.from({ length: count }, () => {
      const job = { ...sampleJob, tokens: 10, ...spec, id: idFromUuid("job", ids.uuid()) };
      ledger.rows.set(job.id, { spec: job, standing });
      return job;
    });
  }
  /** How many jobs of each tenant are in the lanes. */
  function inLanes(key: (spec: JobSpec) => string = ({ tenantId }) => tenantId): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const id of lanes.waiting.keys()) {
      const spec = ledger.rows.get(id)?.spec;
      if (spec !== undefined) counts[key(spec)] = (counts[key(spec)] ?? 0) + 1;
    }
    return counts;
  }
  /** Jobs leave the window: they run. */
  function start(...jobs: readonly Pick<JobSpec, "id">[]): void {
    for (const { id } of jobs) {
      const row = ledger.rows.get(id);
      if (row !== undefined) row.standing = { kind: "running" };
      lanes.waiting.delete(id);
    }
  }
  return { ledger, lanes, clock, metrics, capacity, now, feed, put, inLanes, start };
}

const a = { tenantId: tenantId("a") };
const b = { tenantId: tenantId("b") };
const bySet = ({ candidateSet }: JobSpec) => candidateSet;

describe("a turn of feeding", () => {
  test("fills each set's window and leaves the rest in the ledger", async () => {
    const { feed, put, inLanes } = setup();
    put(30, unfed);
    put(3, unfed, { candidateSet: "other", model: "auto" });
    expect(await feed(1)).toBe(27);
    expect(inLanes(bySet)).toEqual({ set: 24, other: 3 });
    expect(await feed(1)).toBe(0);
  });

  test("is one look at the ledger while nothing is unfed, and nothing else", async () => {
    const { feed, put, ledger, lanes, capacity } = setup();
    put(5, laned);
    await feed(1);
    expect([ledger.calls, lanes.calls, capacity.requests]).toEqual([["unfedWindows"], [], []]);
  });

  test("lets late jobs stand back that no deadline ends, so that the others are fed in time", async () => {
    const { feed, put, lanes, ledger, clock } = setup();
    const still = {
      onMiss: "best_effort",
      effectiveDeadlineAt: clock.now() - 1,
      deadlineAt: clock.now() - 1,
    } as const;
    put(30, unfed, { ...still, acceptedAt: clock.now() - 60_000 });
    const fresh = put(24, unfed, { effectiveDeadlineAt: clock.now() + 30_000 });
    await feed(1);
    expect([...lanes.waiting.keys()].sort()).toEqual(fresh.map(({ id }) => id).sort());
    expect(ledger.calls.filter((method) => method === "deferLate")).toHaveLength(1);
    await feed(1);
    expect(ledger.calls.filter((method) => method === "deferLate")).toHaveLength(1);
  });

  test("takes three statements, whatever the number of sets and tenants, and one where all windows are full", async () => {
    const { feed, put, ledger } = setup();
    for (const candidateSet of ["w", "x", "y", "z"])
      for (const tenant of ["a", "b", "c"]) put(20, unfed, { candidateSet, tenantId: tenantId(tenant) });
    await feed(1);
    expect(ledger.calls).toEqual(["unfedWindows", "sampleJobs", "unfedHeads", "markLaned"]);
    ledger.calls.length = 0;
    await feed(1);
    expect(ledger.calls).toEqual(["unfedWindows"]);
  });

  test("gives the jobs of a set that no target can serve a small window, so that they come to be decided", async () => {
    const { feed, put, lanes } = setup();
    put(20, unfed, { candidateSet: "", model: "gone" });
    await feed(1);
    expect(lanes.waiting.size).toBe(16);
  });

  test("sizes windows anew when the configuration has changed", async () => {
    const { feed, put, now, lanes } = setup();
    put(200, unfed);
    await feed(1);
    now.config = { ...sampleConfig([sampleTarget("one", { limits: { concurrency: 20 } })]), hash: "new" };
    await feed(1);
    expect(lanes.waiting.size).toBe(160);
  });

  test("shows how full windows are, and zeros once the backlog is gone", async () => {
    const { feed, put, metrics, start } = setup();
    const jobs = put(30, unfed);
    await feed(1);
    await feed(1);
    const shown = () =>
      ["jobs", "places"].map((what) => metrics.totals.get(`sluice_window_${what}{candidate_set=set}`));
    expect(shown()).toEqual([24, 24]);
    start(...jobs);
    await feed(1);
    expect(shown()).toEqual([0, 0]);
  });
});

describe("between tenants", () => {
  test("a window is shared by tokens and weight", async () => {
    const { feed, put, inLanes } = setup({
      tenants: {
        a: { weight: 2, limits: {}, maxPriority: 9 },
        default: { weight: 1, limits: {}, maxPriority: 9 },
      },
    });
    put(50, unfed, { ...a, effectiveDeadlineAt: sampleMoment });
    put(50, unfed, b);
    await feed(1);
    expect(inLanes()).toEqual({ a: 16, b: 8 });
  });

  test("one that comes when another has filled the window gets each second place, by tokens", async () => {
    const { feed, put, inLanes, start } = setup();
    const early = put(100, unfed, { ...a, effectiveDeadlineAt: sampleMoment });
    await feed(1);
    put(100, unfed, b);
    start(...early.slice(0, 10));
    await feed(1);
    expect(inLanes()).toEqual({ a: 19, b: 5 });
  });

  test("the sharing goes on from turn to turn", async () => {
    const { feed, put, ledger, start } = setup();
    put(100, unfed, { ...a, tokens: 30 });
    put(100, unfed, b);
    const inWindow = () => [...ledger.rows.values()].filter(({ standing }) => standing.kind === "laned");
    for (let turn = 0; turn < 40; turn += 1) {
      await feed(1);
      start(
        ...inWindow()
          .slice(0, 1)
          .map(({ spec }) => spec),
      );
    }
    const fed = [...ledger.rows.values()].filter(({ standing }) => standing.kind !== "unfed");
    const count = (tenant: string) => fed.filter(({ spec }) => spec.tenantId === tenant).length;
    expect(Math.abs(3 * count("a") - count("b"))).toBeLessThanOrEqual(3);
  });

  test("one that has its share of the window parked does not push the others out of it", async () => {
    const { feed, put, inLanes, start } = setup();
    put(12, { kind: "parked", at: sampleMoment }, b);
    const others = put(12, laned, a);
    put(50, unfed, b);
    put(50, unfed, a);
    start(...others.slice(0, 6));
    await feed(1);
    expect(inLanes()).toEqual({ a: 6 });
  });

  test.each([
    [1, { a: 23, b: 1 }],
    [2, { a: 24 }],
  ])(
    "a leader remembers what it gave to whom, and a new one does not (%#)",
    async (leaderEpoch, expected) => {
      const { feed, put, inLanes, start } = setup();
      const first = put(24, unfed, { ...a, tokens: 5 });
      put(24, unfed, { ...a, tokens: 5 });
      put(1, unfed, { ...b, tokens: 150 });
      await feed(1);
      expect(inLanes()).toEqual({ a: 24 });
      start(...first);
      await feed(leaderEpoch);
      expect(inLanes()).toEqual(expected);
    },
  );

  test("many of them are read only when enough places are free to be worth it", async () => {
    const { feed, put, ledger, start } = setup();
    for (let tenant = 0; tenant < 200; tenant += 1) put(1, unfed, { tenantId: tenantId(`t${tenant}`) });
    await feed(1);
    const fed = [...ledger.rows.values()].filter(({ standing }) => standing.kind === "laned");
    start(...fed.slice(0, 3).map(({ spec }) => spec));
    expect(await feed(1)).toBe(0);
    start(...fed.slice(3, 4).map(({ spec }) => spec));
    expect(await feed(1)).toBe(4);
  });
});

describe("a job that is more urgent than a full window", () => {
  const urgent = { effectiveDeadlineAt: sampleMoment };

  test("goes express, until as many of its kind as may stand there", async () => {
    const { feed, put, inLanes } = setup();
    put(60, unfed, a);
    await feed(1);
    put(20, unfed, { ...a, ...urgent });
    expect(await feed(1)).toBe(12);
    expect(inLanes()).toEqual({ a: 36 });
    expect(await feed(1)).toBe(0);
  });

  test("does not keep another tenant from its share of the window", async () => {
    const { feed, put, inLanes } = setup();
    put(18, laned, b);
    put(6, laned, a);
    put(60, unfed, a);
    put(40, unfed, { ...b, ...urgent });
    await feed(1);
    expect(inLanes()).toEqual({ b: 12 });
    await feed(1);
    // Of 24 places a third more is a's by tokens: it has a sixth of the window, and its half is due.
    expect(inLanes()).toEqual({ a: 8, b: 12 });
  });

  test("takes no place of its window while there are others", async () => {
    const { feed, put, inLanes, start } = setup();
    const nightly = put(60, unfed, a);
    await feed(1);
    put(2, unfed, { ...a, ...urgent, model: "b" });
    await feed(1);
    start(...nightly.slice(0, 4));
    await feed(1);
    expect(inLanes(({ model }) => model)).toEqual({ auto: 22, b: 2 });
  });

  test("is not what is merely as urgent as the window's jobs", async () => {
    const { feed, put } = setup();
    put(60, unfed, a);
    await feed(1);
    put(5, unfed, b);
    expect(await feed(1)).toBe(0);
  });
});

describe("pointers that the lanes do not take", () => {
  test("are added before anything else is fed", async () => {
    const { feed, put, lanes, ledger } = setup();
    put(3, unfed);
    lanes.faults.arm("add", 2);
    await expect(feed(1)).rejects.toThrow("add fails");
    put(1, unfed);
    await expect(feed(1)).rejects.toThrow("add fails");
    expect(ledger.calls.filter((call) => call === "markLaned")).toHaveLength(1);
    await feed(1);
    expect(lanes.waiting.size).toBe(4);
  });
});

test("a turn that takes long is followed by a rest, so that the ledger has time for others", async () => {
  const { feed, put, ledger, clock } = setup();
  put(1, unfed);
  const answer = ledger.faults.hang("unfedWindows");
  const slow = feed(1);
  await clock.advance(1_000);
  answer();
  await slow;
  put(1, unfed);
  await clock.advance(3_999);
  expect(await feed(1)).toBe(0);
  await clock.advance(1);
  expect(await feed(1)).toBe(1);
  await settled();
});
