import { idFromUuid, type JobId, type ParkedJob } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createRecordingLogger, createRecordingMetrics } from "../../../test/kit/fakes/records.ts";
import { createWaker } from "./wake-parked.ts";

const jobId = (n: number): JobId => idFromUuid("job", `00000000-0000-7000-8000-00000000000${n}`);

/** A waker over lanes that answer `inHand` call by call, then nothing. */
function setup(inHand: JobId[][] = [], gone: JobId[] = []) {
  const clock = createFakeClock();
  const logger = createRecordingLogger();
  const metrics = createRecordingMetrics();
  const woken: { model: string; ids: readonly JobId[] }[] = [];
  const wake = (model: string, ids: readonly JobId[]) => {
    woken.push({ model, ids });
    return Promise.resolve({ inHand: inHand.shift() ?? [], gone });
  };
  const left: ParkedJob[] = [];
  const leave = async (job: ParkedJob) => void left.push(job);
  const waken = createWaker({ lanes: { wake }, leave, clock, logger, metrics });
  return { clock, metrics, woken, left, waken };
}

describe("createWaker", () => {
  test("wakes each job in its own lane", async () => {
    const { waken, woken, clock, metrics } = setup();
    waken([
      { jobId: jobId(1), model: "auto" },
      { jobId: jobId(2), model: "small" },
      { jobId: jobId(3), model: "auto" },
    ]);
    await clock.advance(1_000);
    expect(woken).toEqual([
      { model: "auto", ids: [jobId(1), jobId(3)] },
      { model: "small", ids: [jobId(2)] },
    ]);
    expect(metrics.totals.get("sluice_jobs_woken_total")).toBe(3);
  });

  test("tries again a job that its worker has not put back yet, three times at most", async () => {
    const { waken, woken, clock } = setup([[jobId(1)], [jobId(1)], [jobId(1)], [jobId(1)], [jobId(1)]]);
    waken([
      { jobId: jobId(1), model: "auto" },
      { jobId: jobId(2), model: "auto" },
    ]);
    for (let n = 0; n < 20; n += 1) await clock.advance(100);
    expect(woken.map(({ ids }) => ids.length)).toEqual([2, 1, 1, 1]);
  });

  test("ends the waiting of a job that its lane does not hold any more", async () => {
    const { waken, left, clock } = setup([], [jobId(2)]);
    waken([
      { jobId: jobId(1), model: "auto" },
      { jobId: jobId(2), model: "auto" },
    ]);
    await clock.advance(1_000);
    expect(left).toEqual([{ jobId: jobId(2), model: "auto" }]);
  });

  test("leaves jobs to their own wait when the lanes do not answer", async () => {
    const clock = createFakeClock();
    const logger = createRecordingLogger();
    const lanes = { wake: () => Promise.reject(new Error("gone")) };
    createWaker({ lanes, leave: async () => undefined, clock, logger, metrics: createRecordingMetrics() })([
      { jobId: jobId(1), model: "auto" },
    ]);
    await clock.advance(1_000);
    expect(logger.entries).toMatchObject([{ message: "parked jobs were not woken" }]);
  });
});
