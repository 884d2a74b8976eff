import { idFromUuid, type JobToRun } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryWorkerLedger } from "../../../test/kit/fakes/memory-worker-ledger.ts";
import { createCountingIds, createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { createWaitRecorder } from "./record-waits.ts";

function setup() {
  const clock = createFakeClock();
  const ledger = createMemoryWorkerLedger(clock);
  const logger = createRecordingLogger();
  const ids = createCountingIds();
  const waits = createWaitRecorder({ ledger, clock, logger });
  const job = (changes: Partial<JobToRun> = {}) =>
    ledger.put({ id: idFromUuid("job", ids.uuid()), ...changes });
  /** Holds a job for so long. */
  const hold = (held: JobToRun, waitMs = 5_000, limit = "tokens") =>
    waits.held(held, { at: clock.now() + waitMs, limit });
  return { clock, ledger, logger, waits, job, hold };
}

describe("a job that is held", () => {
  test("is shown in the ledger after half a second, together with others", async () => {
    const { clock, ledger, job, hold } = setup();
    const [a, b] = [job(), job({ epoch: 3 })];
    const at = clock.now() + 5_000;
    hold(a);
    await clock.advance(300);
    hold(b, 60_000, "requests");
    await clock.advance(199);
    expect(ledger.waits).toEqual([]);
    await clock.advance(1);
    expect(ledger.waits.map((held) => held.length)).toEqual([2]);
    expect(ledger.at(a.id)).toMatchObject({ state: "waiting", notBeforeAt: at, waitingFor: "tokens" });
    expect(ledger.at(b.id)).toMatchObject({ state: "waiting", waitingFor: "requests" });
  });

  test("costs no write when it waits a second at most, or has started by then", async () => {
    const { clock, ledger, waits, job, hold } = setup();
    hold(job(), 1_000);
    const started = job();
    hold(started);
    waits.over(started.id);
    await clock.advance(10_000);
    expect(ledger.waits.flat()).toEqual([]);
  });

  test("costs no further write when it is held again for the same and nearly as long", async () => {
    const { clock, ledger, job, hold } = setup();
    const first = job();
    hold(first);
    await clock.advance(500);
    hold(ledger.at(first.id), 14_500);
    await clock.advance(500);
    expect(ledger.waits).toHaveLength(1);
    hold(ledger.at(first.id), 14_500);
    await clock.advance(500);
    expect(ledger.waits).toHaveLength(2);
    hold(ledger.at(first.id), 14_000, "requests");
    await clock.advance(500);
    expect(ledger.at(first.id)).toMatchObject({ waitingFor: "requests" });
  });

  test("is written once when it is held again before the write", async () => {
    const { clock, ledger, job, hold } = setup();
    const held = job();
    hold(held);
    hold(held, 9_000, "requests");
    await clock.advance(500);
    expect(ledger.waits.flat()).toMatchObject([{ waitingFor: "requests" }]);
  });

  test("is not waited for: a ledger that is away costs nothing but the news", async () => {
    const { clock, ledger, logger, job, hold } = setup();
    ledger.faults.arm("recordWaits");
    hold(job());
    await clock.advance(500);
    expect(logger.entries).toMatchObject([{ level: "debug" }]);
    const next = job();
    hold(next);
    await clock.advance(500);
    expect(ledger.at(next.id).state).toBe("waiting");
  });

  test("shares statements of bounded size with many", async () => {
    const { clock, ledger, job, hold } = setup();
    for (let count = 0; count < 501; count += 1) hold(job());
    await clock.advance(500);
    expect(ledger.waits.map((held) => held.length)).toEqual([500, 1]);
  });
});
