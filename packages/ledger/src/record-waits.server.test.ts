import { expect, test } from "vitest";
import { lineBytesOf, minute, setup, startOf, t0, tenant, waiting } from "./testing/setup.ts";

async function setupHeld() {
  const s = await setup();
  const held = (job: { readonly id: `job_${string}` }, epoch = 0) => ({
    jobId: job.id,
    epoch,
    notBeforeAt: t0 + minute,
    waitingFor: "target.tokens_per_minute",
  });
  return { ...s, held };
}

test("a job that is held shows for what and until when, to its owner and to workers", async () => {
  const { ledger, accepted, load, held } = await setupHeld();
  const job = await accepted();
  await ledger.recordWaits([held(job)]);
  const shown = { state: "waiting", notBeforeAt: t0 + minute, waitingFor: "target.tokens_per_minute" };
  expect(await ledger.findJob(tenant, job.id)).toMatchObject({ ...shown, attempts: 0, epoch: 0 });
  expect(await load(job)).toMatchObject(shown);
});

test("its pointer comes back at once when it is lost: nothing in Redis waits for it then", async () => {
  const { ledger, accepted, held } = await setupHeld();
  const job = await accepted();
  await ledger.recordWaits([held(job)]);
  expect(await ledger.liveLaned({ limit: 5 })).toMatchObject([{ jobId: job.id, notBeforeAt: undefined }]);
});

test("it stops being held when it starts, and when it waits for its next attempt instead", async () => {
  const { ledger, accepted, register, held, load } = await setupHeld();
  const job = await accepted();
  await ledger.recordWaits([held(job)]);
  const workerId = await register();
  await ledger.startAttempts([startOf(job, workerId, 0)]);
  expect(await load(job)).toMatchObject({ state: "running", notBeforeAt: undefined, waitingFor: undefined });
  const run = { job, workerId, epoch: 1 };
  await ledger.settle([waiting(run, { avoidTarget: false, spentAttempt: true })]);
  await ledger.recordWaits([held(job, 1)]);
  await ledger.startAttempts([startOf(job, workerId, 1)]);
  await ledger.settle([waiting({ ...run, epoch: 2 }, { avoidTarget: false, spentAttempt: true })]);
  expect(await load(job)).toMatchObject({ state: "waiting", notBeforeAt: t0 + 5000, waitingFor: undefined });
});

test("news that come late change nothing: of a started job, of an earlier epoch, of an ended one", async () => {
  const { ledger, started, accepted, held, load, newIds } = await setupHeld();
  const running = await started();
  const retried = await started();
  await ledger.settle([waiting(retried, { avoidTarget: false, spentAttempt: true })]);
  const ended = await accepted();
  await ledger.cancelJob(tenant, ended.id, t0, newIds(), lineBytesOf);
  await ledger.recordWaits([held(running.job), held(running.job, 1), held(retried.job), held(ended)]);
  expect(await load(running.job)).toMatchObject({ state: "running", waitingFor: undefined });
  expect(await load(retried.job)).toMatchObject({ notBeforeAt: t0 + 5000, waitingFor: undefined });
  expect(await load(ended)).toMatchObject({ state: "cancelled", waitingFor: undefined });
});
