import { idFromUuid, type JobSpec, type JobState, jobEvents } from "@sluice/domain";
import { expect, test } from "vitest";
import { lineBytesOf, minute, setup, startOf, success, t0, tenant, waiting } from "./testing/setup.ts";

async function setupEvents() {
  const s = await setup();
  const told = async (job: Pick<JobSpec, "id">) => {
    const history = await s.ledger.findHistory(tenant, job.id);
    return history === undefined ? undefined : jobEvents(history);
  };
  const states = async (job: Pick<JobSpec, "id">): Promise<JobState[] | undefined> =>
    (await told(job))?.map(({ state }) => state);
  const held = (job: Pick<JobSpec, "id">, epoch = 0) => ({
    jobId: job.id,
    epoch,
    notBeforeAt: t0 + minute,
    waitingFor: "target.concurrency",
  });
  return { ...s, told, states, held };
}

test("every step of a job can be read afterwards, and none is told twice or renumbered", async () => {
  const { ledger, accepted, register, newIds, told, held } = await setupEvents();
  const job = await accepted();
  const workerId = await register();
  const run = (epoch: number) => ({ job, workerId, epoch });
  const steps: (() => Promise<unknown>)[] = [
    () => ledger.recordWaits([held(job)]),
    () => ledger.startAttempts([startOf(job, workerId, 0)]),
    () => ledger.settle([waiting(run(1), { avoidTarget: false, spentAttempt: true })]),
    () => ledger.startAttempts([{ ...startOf(job, workerId, 1), startedAt: t0 + 3000 }]),
    () => ledger.settle([success(run(2), newIds())]),
  ];
  let before = await told(job);
  expect(before).toMatchObject([{ number: 0, state: "queued", at: t0 }]);
  for (const step of steps) {
    await step();
    const standing = (await ledger.findStandings([job.id])).get(job.id);
    const after = await told(job);
    expect(after?.slice(0, -1)).toEqual(before);
    expect(after?.at(-1)).toMatchObject({ state: standing?.state });
    before = after;
  }
  expect(before?.map(({ state, number }) => `${number} ${state}`)).toEqual([
    "0 queued",
    "1 waiting",
    "3 running",
    "4 waiting",
    "6 running",
    "8 succeeded",
  ]);
  expect(before?.[2]).toMatchObject({ attempt: 1, targetId: "small-a", at: t0 + 1000 });
});

test("being held again, or between attempts, adds nothing", async () => {
  const { ledger, accepted, register, held, states } = await setupEvents();
  const job = await accepted();
  const workerId = await register();
  await ledger.recordWaits([held(job)]);
  await ledger.recordWaits([held(job)]);
  expect(await states(job)).toEqual(["queued", "waiting"]);
  await ledger.startAttempts([startOf(job, workerId, 0)]);
  await ledger.recordWaits([held(job)]);
  await ledger.settle([waiting({ job, workerId, epoch: 1 }, { avoidTarget: false, spentAttempt: false })]);
  await ledger.recordWaits([held(job, 1)]);
  expect(await states(job)).toEqual(["queued", "waiting", "running", "waiting"]);
});

test("a job that is cancelled, running or not, ends with that", async () => {
  const { ledger, accepted, started, newIds, states } = await setupEvents();
  const [queued, { job: running }] = [await accepted(), await started()];
  for (const { id } of [queued, running])
    await ledger.cancelJob(tenant, id, t0 + 5000, newIds(), lineBytesOf);
  expect(await states(queued)).toEqual(["queued", "cancelled"]);
  expect(await states(running)).toEqual(["queued", "running", "cancelled"]);
});

test("a job of nobody or of another tenant has no history and stands nowhere", async () => {
  const { ledger, accepted } = await setupEvents();
  const job = await accepted();
  expect(await ledger.findHistory("other" as typeof tenant, job.id)).toBeUndefined();
  const nobody = idFromUuid("job", "00000000-0000-7000-8000-000000000000");
  expect(await ledger.findStandings([nobody, job.id])).toEqual(
    new Map([[job.id, { state: "queued", epoch: 0 }]]),
  );
});

test("the newest feedback on a job counts, and only its tenant reads it", async () => {
  const { ledger, accepted } = await setupEvents();
  const job = await accepted();
  expect(await ledger.findFeedback(tenant, job.id)).toBeUndefined();
  await ledger.giveFeedback(job.id, { givenAt: t0, score: 0.25, labels: ["too long", 'a "word"'] });
  await ledger.giveFeedback(job.id, { givenAt: t0 + 1, score: 1, labels: { tone: "kind" } });
  expect(await ledger.findFeedback(tenant, job.id)).toEqual({
    givenAt: t0 + 1,
    score: 1,
    labels: { tone: "kind" },
  });
  expect(await ledger.findFeedback("other" as typeof tenant, job.id)).toBeUndefined();
});
