import type { JobId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createFaults } from "../../../test/kit/fakes/faults.ts";
import { createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { createJobWaiter } from "./wait-for-job.ts";

function setup() {
  const clock = createFakeClock();
  const ended = new Set<JobId>();
  const asked: (readonly JobId[])[] = [];
  const faults = createFaults<"endedAmong">();
  const ledger = {
    endedAmong: (ids: readonly JobId[]) =>
      faults.run("endedAmong", () => {
        asked.push(ids);
        return ids.filter((id) => ended.has(id));
      }),
  };
  const waiter = createJobWaiter({ ledger, clock, logger: createRecordingLogger() });
  /** Waits and tells when (monotonic ms from now) it was over. */
  function wait(id: JobId, waitMs = 60_000, signal = new AbortController().signal) {
    const from = clock.monotonicMs();
    const state: { over: number | undefined } = { over: undefined };
    void waiter.wait(id, waitMs, signal).then(() => {
      state.over = clock.monotonicMs() - from;
    });
    return state;
  }
  return { clock, ended, asked, faults, wait };
}

describe("createJobWaiter", () => {
  test("ends at once when the job has ended before", async () => {
    const { wait, ended } = setup();
    ended.add("job_a");
    const state = wait("job_a");
    await settled();
    expect(state.over).toBe(0);
  });

  test("ends within a moment of the job's end", async () => {
    const { wait, ended, clock } = setup();
    const state = wait("job_a");
    await clock.advance(1_000);
    expect(state.over).toBeUndefined();
    ended.add("job_a");
    await clock.advance(150);
    expect(state.over).toBeLessThanOrEqual(1_150);
  });

  test("ends when its time is over, and asks nothing any more", async () => {
    const { wait, clock, asked } = setup();
    const state = wait("job_a", 500);
    await clock.advance(5_000);
    expect(state.over).toBe(500);
    expect(clock.pendingTimers()).toBe(0);
    const before = asked.length;
    await clock.advance(5_000);
    expect(asked).toHaveLength(before);
  });

  test("ends when its caller goes, before or during the wait", async () => {
    const { wait, clock } = setup();
    const gone = new AbortController();
    const during = wait("job_a", 60_000, gone.signal);
    await clock.advance(200);
    gone.abort();
    await settled();
    expect(during.over).toBe(200);
    const before = wait("job_a", 60_000, gone.signal);
    await settled();
    expect(before.over).toBe(0);
    await clock.advance(1_000);
    expect(clock.pendingTimers()).toBe(0);
  });

  test("asks for all jobs in one query, each job once", async () => {
    const { wait, clock, asked, ended } = setup();
    const states = (["job_a", "job_b", "job_a"] as const).map((id) => wait(id));
    await clock.advance(150);
    expect(asked.at(-1)).toEqual(["job_a", "job_b"]);
    ended.add("job_a");
    await clock.advance(150);
    expect(states.map(({ over }) => over !== undefined)).toEqual([true, false, true]);
    await clock.advance(150);
    expect(asked.at(-1)).toEqual(["job_b"]);
  });

  test("goes on when the ledger does not answer once, and one caller's end leaves the others waiting", async () => {
    const { wait, clock, faults, ended } = setup();
    faults.arm("endedAmong", 3);
    const short = wait("job_a", 300);
    const long = wait("job_a");
    await clock.advance(1_000);
    expect([short.over, long.over]).toEqual([300, undefined]);
    ended.add("job_a");
    await clock.advance(150);
    expect(long.over).toBeDefined();
  });

  test("begins again after nobody has waited for a while", async () => {
    const { wait, clock, ended } = setup();
    wait("job_a", 100);
    await clock.advance(10_000);
    const state = wait("job_b");
    ended.add("job_b");
    await clock.advance(150);
    expect(state.over).toBeDefined();
  });
});
