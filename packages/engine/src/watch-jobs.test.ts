import { idFromUuid, type JobId, type JobStanding } from "@sluice/domain";
import { expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createFaults } from "../../../test/kit/fakes/faults.ts";
import { createCountingIds, createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { createJobWatcher } from "./watch-jobs.ts";

function setup() {
  const clock = createFakeClock();
  const logger = createRecordingLogger();
  const faults = createFaults<"findStandings">();
  const standings = new Map<JobId, JobStanding>();
  const asked: (readonly JobId[])[] = [];
  const ledger = {
    findStandings: (ids: readonly JobId[]) =>
      faults.run("findStandings", () => {
        asked.push(ids);
        return new Map(standings);
      }),
  };
  const ids = createCountingIds();
  const newJob = (standing: JobStanding = { state: "queued", epoch: 0 }) => {
    const id = idFromUuid("job", ids.uuid());
    standings.set(id, standing);
    return id;
  };
  const watcher = createJobWatcher({ ledger, clock, logger });
  function watch(id: JobId, number = 0, signal = new AbortController().signal) {
    const seen = { done: false };
    void watcher.beyond(id, number, signal).then(() => {
      seen.done = true;
    });
    return seen;
  }
  return { asked, clock, faults, logger, newJob, standings, watch };
}

test("who watches is told when the job goes on, by one question for all", async () => {
  const { asked, clock, newJob, standings, watch } = setup();
  const [one, other] = [newJob(), newJob()];
  const watches = [watch(one), watch(one), watch(other)];
  await clock.advance(250);
  expect(watches.map(({ done }) => done)).toEqual([false, false, false]);
  expect(asked).toEqual([[one, other]]);
  standings.set(one, { state: "running", epoch: 1 });
  await clock.advance(250);
  expect(watches.map(({ done }) => done)).toEqual([true, true, false]);
  standings.delete(other);
  await clock.advance(250);
  expect(watches[2]?.done).toBe(true);
  await clock.advance(250);
  const questions = asked.length;
  await clock.advance(10_000);
  expect([asked.length, clock.pendingTimers()]).toEqual([questions, 0]);
});

test("a job that stands where the caller knows it to be wakes nobody", async () => {
  const { clock, newJob, watch } = setup();
  const id = newJob({ state: "waiting", epoch: 2 });
  const [same, behind] = [watch(id, 7), watch(id, 6)];
  await clock.advance(250);
  expect([same.done, behind.done]).toEqual([false, true]);
});

test("an abort ends a watch, and a ledger that does not answer is asked again", async () => {
  const { clock, faults, logger, newJob, standings, watch } = setup();
  const gone = new AbortController();
  const [left, stays] = [watch(newJob(), 0, gone.signal), newJob()];
  const seen = watch(stays);
  faults.arm("findStandings");
  standings.set(stays, { state: "cancelled", epoch: 0 });
  gone.abort();
  await clock.advance(250);
  expect([left.done, seen.done, logger.entries.length]).toEqual([true, false, 1]);
  await clock.advance(250);
  expect(seen.done).toBe(true);
});
