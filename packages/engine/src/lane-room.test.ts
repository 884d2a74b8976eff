import type { JobSpec } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFeedLedger } from "../../../test/kit/fakes/memory-feed-ledger.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createCountingIds, createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import type { Standing } from "../../../test/kit/feed-conformance.ts";
import { sampleConfig, sampleJob, sampleMoment, sampleTarget } from "../../../test/kit/samples.ts";
import { createLaneRoom } from "./lane-room.ts";
import { createWindowSizes } from "./window-sizes.ts";

const places = 24;
const expressPlaces = 12;

/** Windows of 24 and 12 express places, known to the process from the beginning. */
async function setup() {
  const ledger = createMemoryFeedLedger();
  const clock = createFakeClock();
  const ids = createCountingIds();
  const logger = createRecordingLogger();
  const config = sampleConfig([sampleTarget("one", { limits: { concurrency: 3 } })]);
  const sizing = { capacity: createScriptedCapacity(), files: createMemoryFiles(), config: () => config };
  const sizes = createWindowSizes({ ...sizing, clock, logger });
  await sizes.learn(sampleJob);
  await sizes.learn({ ...sampleJob, candidateSet: "other" });
  const room = createLaneRoom({ ledger, sizes, clock, logger });
  const job = (changes: Partial<JobSpec> = {}): JobSpec => ({
    ...sampleJob,
    ...changes,
    id: `job_${ids.uuid()}` as JobSpec["id"],
  });
  /** How many of so many jobs may go straight into their lanes. */
  const taken = (count: number, changes: Partial<JobSpec> = {}) => {
    const jobs = Array.from({ length: count }, () => job(changes)).filter((spec) => room.take(spec));
    for (const spec of jobs) room.committed(spec);
    return jobs.length;
  };
  function put(count: number, standing: Standing, changes: Partial<JobSpec> = {}): void {
    for (let index = 0; index < count; index += 1) {
      const spec = job(changes);
      ledger.rows.set(spec.id, { spec, standing });
    }
  }
  /** Lets the process read the levels anew, by a job that may take a place. */
  async function refresh(changes: Partial<JobSpec> = {}): Promise<void> {
    await clock.advance(251);
    taken(1, changes);
    await settled();
  }
  const reads = () => ledger.calls.length;
  return { ledger, clock, room, job, taken, put, refresh, reads };
}

const laned = { kind: "laned" } as const;
const unfed = { kind: "unfed" } as const;
const urgent = { effectiveDeadlineAt: sampleMoment };

describe("a job of a set without backlog", () => {
  test("goes straight into its lane while its window has room, by what this process has added", async () => {
    const { taken } = await setup();
    expect(taken(40)).toBe(places);
  });

  test("counts beside what is there already, once that is read", async () => {
    const { taken, put, refresh } = await setup();
    put(20, laned);
    await refresh();
    expect(taken(10)).toBe(places - 20 - 1);
  });

  test("finds places that have come free after a moment", async () => {
    const { taken, put, refresh, ledger } = await setup();
    put(places, laned);
    await refresh();
    expect(taken(1)).toBe(0);
    ledger.rows.clear();
    await refresh();
    expect(taken(1)).toBe(1);
  });

  test("counts while it is not committed, whatever a reading of the ledger says", async () => {
    const { room, job, taken, refresh } = await setup();
    const slow = Array.from({ length: 20 }, () => job()).filter((spec) => room.take(spec));
    await refresh();
    expect(taken(10)).toBe(places - 20 - 1);
    for (const spec of slow) room.committed(spec);
    await refresh();
    expect(taken(40)).toBe(places);
  });

  test("has the window of its set for itself", async () => {
    const { taken } = await setup();
    taken(40);
    expect(taken(40, { candidateSet: "other" })).toBe(places);
  });
});

describe("a job of a set with backlog", () => {
  test("is left to the feed, though its window has room", async () => {
    const { taken, put, refresh } = await setup();
    put(1, unfed);
    await refresh();
    expect(taken(5)).toBe(0);
  });

  test("is left to the feed after one of its kind was, until the feed has been there", async () => {
    const { taken, put, refresh, ledger } = await setup();
    put(places, laned);
    await refresh();
    expect(taken(1)).toBe(0);
    ledger.rows.clear();
    expect(taken(1)).toBe(0);
    await refresh();
    expect(taken(1)).toBe(1);
  });

  test("goes express when it is more urgent than all of it and than the window", async () => {
    const { taken, put, refresh } = await setup();
    put(places - 1, laned);
    put(500, unfed);
    await refresh();
    expect(taken(100, urgent)).toBe(expressPlaces);
  });

  test("does not go express beside as many that are as urgent", async () => {
    const { taken, put, refresh } = await setup();
    put(places, laned);
    put(expressPlaces, laned, urgent);
    put(500, unfed);
    await refresh();
    expect(taken(1, urgent)).toBe(0);
    expect(taken(1, { effectiveDeadlineAt: sampleMoment - 1 })).toBe(0);
  });

  test("does not go express past one that is more urgent and unfed", async () => {
    const { taken, put, refresh } = await setup();
    put(places, laned);
    put(1, unfed, urgent);
    await refresh();
    expect(taken(1, { effectiveDeadlineAt: sampleMoment + 1 })).toBe(0);
    expect(taken(1, { effectiveDeadlineAt: sampleMoment - 1 })).toBe(1);
  });

  test("goes express into a window that the feed has not filled yet", async () => {
    const { taken, put, refresh } = await setup();
    put(500, unfed);
    await refresh();
    expect(taken(100, urgent)).toBe(expressPlaces);
    expect(taken(1)).toBe(0);
  });
});

describe("the levels", () => {
  test("are read at most once per moment, never twice at once, and only while jobs come", async () => {
    const { taken, clock, ledger, reads } = await setup();
    const answer = ledger.faults.hang("windowLevels");
    taken(10);
    await clock.advance(1_000);
    taken(10);
    expect(reads()).toBe(1);
    answer();
    await settled();
    taken(10);
    await clock.advance(10_000);
    expect(reads()).toBe(1);
    taken(1);
    await settled();
    expect(reads()).toBe(2);
  });

  test("stay as they were while the ledger does not answer", async () => {
    const { taken, put, refresh, ledger } = await setup();
    put(places, laned);
    await refresh();
    ledger.faults.arm("windowLevels");
    await refresh();
    expect(taken(1)).toBe(0);
  });
});

test("nothing goes straight for a second after the lanes did not take a pointer", async () => {
  const { taken, room, clock } = await setup();
  room.lanesAreAway();
  await clock.advance(999);
  expect(taken(1)).toBe(0);
  await clock.advance(1);
  expect(taken(1)).toBe(1);
});
