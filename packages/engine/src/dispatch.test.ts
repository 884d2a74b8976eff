import { type BatchId, type DeliveryId, idFromUuid, type MovedJob } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFeedLedger } from "../../../test/kit/fakes/memory-feed-ledger.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createMemoryForecastBoard } from "../../../test/kit/fakes/memory-forecast-board.ts";
import {
  createMemoryDeadLetters,
  createMemoryIdQueue,
  createMemoryLanes,
} from "../../../test/kit/fakes/memory-lanes.ts";
import {
  createCountingIds,
  createRecordingLogger,
  createRecordingMetrics,
} from "../../../test/kit/fakes/records.ts";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { sampleConfig, sampleJob } from "../../../test/kit/samples.ts";
import { type DispatchPorts, dispatchDuties } from "./dispatch.ts";
import { createWindowSizes } from "./window-sizes.ts";

/** A dispatcher whose ledger answers what a test puts into `answers`, and keeps what it was asked. */
function setup() {
  const ids = createCountingIds();
  const answers = {
    finalised: [] as { id: BatchId; status: "completed"; deliveryIds: readonly DeliveryId[] }[],
    failing: [] as BatchId[],
    expired: [] as MovedJob[],
    returned: [] as MovedJob[],
    overdue: [] as DeliveryId[],
    toValidate: [] as BatchId[],
    live: [] as MovedJob[],
  };
  const asked: { what: string; with: unknown[] }[] = [];
  const note = <T>(what: string, answer: T, ...given: unknown[]) => {
    asked.push({ what, with: given });
    return Promise.resolve(answer);
  };
  const feedLedger = createMemoryFeedLedger();
  const ledger: DispatchPorts["ledger"] = {
    lead: () => note("lead", { leads: true, epoch: 1 } as const),
    resign: () => note("resign", undefined),
    ...feedLedger,
    liveLaned: () =>
      note(
        "liveLaned",
        answers.live.map((job) => ({ ...job, candidateSet: "set", ownerAlive: false })),
      ),
    findLive: () => note("findLive", []),
    returnJobsOfDeadWorkers: (...given) => note("return", answers.returned, ...given),
    expireJobs: (...given) => note("expire", answers.expired, ...given),
    readBacklog: () => note("readBacklog", { sums: [], overdue: [] }),
    sampleLive: () => note("sampleLive", []),
    overdueDeliveries: (...given) => note("overdue", answers.overdue, ...given),
    ensurePartitions: (...given) => note("partitions", undefined, ...given),
    stopFailingBatches: (...given) => note("stopFailing", answers.failing, ...given),
    finaliseBatches: (...given) => note("finalise", answers.finalised, ...given),
    batchesToValidate: () => note("toValidate", answers.toValidate),
    forgetClaims: (...given) => note("forgetClaims", 0, ...given),
    purgeFiles: (...given) => note("purgeFiles", 0, ...given),
    async dropContents(now, limit, erase) {
      await erase("c-unused");
      return note("dropContents", 1, now, limit);
    },
  };
  const clock = createFakeClock();
  const config = () => sampleConfig();
  const sizing = { capacity: createScriptedCapacity(), files: createMemoryFiles(), clock, config };
  const ports = {
    ledger,
    capacity: sizing.capacity,
    board: createMemoryForecastBoard(),
    lanes: createMemoryLanes(),
    sizes: createWindowSizes({ ...sizing, logger: createRecordingLogger() }),
    batches: createMemoryIdQueue(),
    deliveries: createMemoryIdQueue(),
    files: {
      removeAbandoned: (before: number) => note("removeAbandoned", 0, before),
      delete: (key: string) => note("delete", undefined, key),
    },
    deadLetters: createMemoryDeadLetters(),
    ids,
    clock,
    logger: createRecordingLogger(),
    metrics: createRecordingMetrics(),
    config,
    failureLineBytes: () => 1,
  };
  const duties = dispatchDuties(ports);
  const run = (name: string) =>
    duties.find((duty) => duty.name === name)?.run(7) ?? Promise.reject(new Error(`no ${name}`));
  function moved(state: MovedJob["state"], changes: Partial<MovedJob> = {}): MovedJob {
    const jobId = idFromUuid("job", ids.uuid());
    return { jobId, model: "auto", effectiveDeadlineAt: 3, state, deliveryIds: [], ...changes };
  }
  return { ...ports, duties, run, answers, asked, moved, feedLedger };
}

test("the duties publish what predictions are made from", async () => {
  const { run, board, clock } = setup();
  await run("forecast");
  expect(board.snapshot).toMatchObject({ version: 1, takenAt: clock.now(), jobs: 0 });
});

describe("the duties", () => {
  test("have names of their own and a pace", () => {
    const { duties } = setup();
    expect(new Set(duties.map(({ name }) => name)).size).toBe(duties.length);
    for (const { everyMs } of duties) expect(everyMs).toBeGreaterThanOrEqual(100);
  });

  test.each([
    ["finalise", "finalise"],
    ["stop-failing", "stopFailing"],
    ["expire", "expire"],
    ["return-dead", "return"],
  ])("%s writes under the leader's epoch", async (name, what) => {
    const { run, asked } = setup();
    await run(name);
    expect(asked.find((call) => call.what === what)?.with[0]).toBe(7);
  });

  test("feed lanes under the leader's epoch", async () => {
    const { run, feedLedger, lanes } = setup();
    feedLedger.rows.set(sampleJob.id, { spec: sampleJob, standing: { kind: "unfed" } });
    await run("feed");
    expect([feedLedger.epochs, [...lanes.waiting.keys()]]).toEqual([[7], [sampleJob.id]]);
  });

  test("measure the lanes of all models", async () => {
    const { run, lanes, metrics } = setup();
    await lanes.add([{ jobId: sampleJob.id, model: "auto", effectiveDeadlineAt: 1 }]);
    await run("measure-lanes");
    expect(metrics.totals.get("sluice_lane_depth{lane=auto,state=waiting}")).toBe(1);
  });

  test("end files whose time is over, then erase contents that nothing uses", async () => {
    const { run, asked, clock } = setup();
    await run("purge-files");
    expect(asked).toEqual([
      { what: "purgeFiles", with: [7, clock.now(), 500] },
      { what: "delete", with: ["c-unused"] },
      { what: "dropContents", with: [clock.now(), 500] },
    ]);
  });

  test("forget the claims of calls that nothing can repeat any more", async () => {
    const { run, asked, clock } = setup();
    await run("forget-claims");
    expect(asked).toEqual([{ what: "forgetClaims", with: [7, clock.now(), 10_000] }]);
  });

  test("remove uploads that nothing was written to for an hour", async () => {
    const { run, asked, clock } = setup();
    await run("remove-abandoned");
    expect(asked).toEqual([{ what: "removeAbandoned", with: [clock.now() - 3_600_000] }]);
  });

  test("all run with nothing to do, and tell no queue anything", async () => {
    const { duties, batches, deliveries, deadLetters, lanes } = setup();
    for (const duty of duties) await duty.run(7);
    expect([batches.ids, deliveries.ids, deadLetters.entries, lanes.waiting.size]).toEqual([[], [], [], 0]);
  });
});

describe("rebuilding", () => {
  test("fills the lanes once at its beginning, and again when Redis has lost its data", async () => {
    const { run, lanes, answers, moved, logger, asked } = setup();
    answers.live.push(moved("queued"));
    await run("rebuild");
    await run("rebuild");
    expect([lanes.waiting.size, asked.length]).toEqual([1, 1]);
    expect(logger.entries.map(({ message }) => message)).not.toContainEqual(
      expect.stringMatching(/lost its data/),
    );
    lanes.flush();
    await run("rebuild");
    expect(lanes.waiting.size).toBe(1);
    expect(logger.entries.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/lost its data/),
    );
  });

  test("tries again when it did not get through", async () => {
    const { run, lanes, answers, moved } = setup();
    answers.live.push(moved("queued"));
    lanes.faults.arm("replace");
    await expect(run("rebuild")).rejects.toThrow("replace fails");
    await run("rebuild");
    expect(lanes.waiting.size).toBe(1);
  });
});

describe("what the leader ends", () => {
  test("is told to the deliveries and counted: expired jobs", async () => {
    const { run, answers, moved, deliveries, metrics, deadLetters } = setup();
    answers.expired.push(moved("expired", { deliveryIds: ["dlv_1"] }), moved("expired"));
    await run("expire");
    expect([deliveries.ids, deadLetters.entries]).toEqual([["dlv_1"], []]);
    expect(metrics.totals.get("sluice_jobs_finished_total{outcome=expired}")).toBe(2);
  });

  test("is told to the deliveries: finished batches", async () => {
    const { run, answers, deliveries } = setup();
    answers.finalised.push(
      { id: "batch_1", status: "completed", deliveryIds: ["dlv_1"] },
      { id: "batch_2", status: "completed", deliveryIds: [] },
    );
    await run("finalise");
    expect(deliveries.ids).toEqual(["dlv_1"]);
  });
});

describe("jobs of dead workers", () => {
  test("go back into their lanes, or to the dead letters with the reason", async () => {
    const { run, answers, moved, lanes, deadLetters, deliveries, metrics } = setup();
    const again = moved("waiting", { notBeforeAt: 9 });
    const dead = moved("dead", { deliveryIds: ["dlv_2"], failureCode: "attempts_exhausted" });
    const doubtful = moved("dead");
    answers.returned.push(again, dead, doubtful);
    await run("return-dead");
    expect([...lanes.waiting.values()]).toMatchObject([{ jobId: again.jobId, notBeforeAt: 9 }]);
    expect(deadLetters.entries).toEqual([
      { jobId: dead.jobId, model: "auto", code: "attempts_exhausted" },
      { jobId: doubtful.jobId, model: "auto", code: "ambiguous_attempt" },
    ]);
    expect(deliveries.ids).toEqual(["dlv_2"]);
    expect(metrics.totals.get("sluice_jobs_finished_total{outcome=dead}")).toBe(2);
  });

  test("count as paid for twice where they run again, and nowhere else", async () => {
    const { run, answers, moved, metrics } = setup();
    answers.returned.push(moved("waiting"), moved("waiting"), moved("dead"));
    await run("return-dead");
    expect(metrics.totals.get("sluice_duplicate_spend_total")).toBe(2);
  });
});

describe("sweeping", () => {
  test("adds what nobody took for ten seconds to its queue again", async () => {
    const { run, answers, deliveries, batches, asked, clock } = setup();
    answers.overdue.push("dlv_1", "dlv_2");
    answers.toValidate.push("batch_1");
    await run("sweep-deliveries");
    await run("sweep-batches");
    expect([deliveries.ids, batches.ids]).toEqual([["dlv_1", "dlv_2"], ["batch_1"]]);
    expect(asked.find(({ what }) => what === "overdue")?.with[0]).toBe(clock.now() - 10_000);
  });
});
