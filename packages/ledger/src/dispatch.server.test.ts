import { describe, expect, test } from "vitest";
import { lineBytesOf, minute, setup, startOf, success, t0, tenant } from "./testing/setup.ts";

describe("leadership", () => {
  test("is kept by its holder, refused to others, and gets a new epoch when it changes hands", async () => {
    const { ledger, open } = await setup();
    const other = open();
    expect(await ledger.lead("dispatcher", "a", minute)).toEqual({ leads: true, epoch: 1 });
    expect(await ledger.lead("dispatcher", "a", minute)).toEqual({ leads: true, epoch: 1 });
    expect(await other.lead("dispatcher", "b", minute)).toEqual({ leads: false });
    expect(await other.lead("another", "b", minute)).toEqual({ leads: true, epoch: 1 });
    await other.resign("dispatcher", "b");
    expect(await other.lead("dispatcher", "b", minute)).toEqual({ leads: false });
    await ledger.resign("dispatcher", "a");
    expect(await other.lead("dispatcher", "b", minute)).toEqual({ leads: true, epoch: 2 });
    expect(await ledger.lead("dispatcher", "a", minute)).toEqual({ leads: false });
  });

  test("goes to exactly one of many that ask at once", async () => {
    const { ledger, open } = await setup();
    const ledgers = [ledger, open(), open(), open()];
    const answers = await Promise.all(
      ledgers.map((each, index) => each.lead("dispatcher", `holder-${index}`, minute)),
    );
    expect(answers.filter(({ leads }) => leads)).toHaveLength(1);
  });

  test("a leader that was replaced writes nothing any more", async () => {
    const { ledger, accepted, accept, started, newIds, runningBatch } = await setup();
    await ledger.lead("dispatcher", "old", minute);
    await ledger.resign("dispatcher", "old");
    await ledger.lead("dispatcher", "new", minute);
    const unfed = accept({}, { laned: false });
    await ledger.acceptJobs([unfed]);
    const due = await accepted({ deadlineAt: t0 - 1 });
    const lost = await started();
    await ledger.retire(lost.workerId);
    await runningBatch(0);
    const later = t0 + minute;
    expect(await ledger.markLaned(1, [unfed.spec.id])).toEqual([]);
    expect(await ledger.expireJobs(1, later, 10, newIds, lineBytesOf)).toEqual([]);
    expect(await ledger.returnJobsOfDeadWorkers(1, later, newIds, lineBytesOf)).toEqual([]);
    expect(await ledger.finaliseBatches(1, later, newIds, lineBytesOf)).toEqual([]);
    expect(await ledger.markLaned(2, [unfed.spec.id])).toMatchObject([{ jobId: unfed.spec.id }]);
    expect(await ledger.expireJobs(2, later, 10, newIds, lineBytesOf)).toMatchObject([{ jobId: due.id }]);
    const returned = await ledger.returnJobsOfDeadWorkers(2, later, newIds, lineBytesOf);
    expect(returned).toMatchObject([{ jobId: lost.job.id }]);
    expect(await ledger.finaliseBatches(2, later, newIds, lineBytesOf)).toMatchObject([
      { status: "completed" },
    ]);
  });
});

describe("what counts as laned", () => {
  test("is listed by set and id, page by page, with the owner's life", async () => {
    const { ledger, accepted, accept, started } = await setup();
    const last = await accepted({ candidateSet: "z" });
    const a = await accepted();
    await ledger.acceptJobs([accept({}, { laned: false })]);
    const b = await started();
    const c = await started();
    await ledger.retire(c.workerId);
    const page = await ledger.liveLaned({ limit: 2 });
    expect(page.map(({ jobId, state }) => [jobId, state])).toEqual([
      [a.id, "queued"],
      [b.job.id, "running"],
    ]);
    const rest = await ledger.liveLaned({ after: page[1], limit: 2 });
    expect(rest).toMatchObject([{ jobId: c.job.id, ownerAlive: false }, { jobId: last.id }]);
    expect(await ledger.liveLaned({ after: rest[1], limit: 2 })).toEqual([]);
    expect(await ledger.findLive([b.job.id])).toMatchObject([{ jobId: b.job.id, ownerAlive: true }]);
  });
});

describe("jobs of dead workers", () => {
  test("wait again, once, and keep the attempt as spent", async () => {
    const { ledger, started, leaderEpoch, newIds, load } = await setup();
    const lost = await started();
    const alive = await started();
    await ledger.retire(lost.workerId);
    const epoch = await leaderEpoch();
    expect(await ledger.returnJobsOfDeadWorkers(epoch, t0, newIds, lineBytesOf)).toHaveLength(1);
    expect(await ledger.returnJobsOfDeadWorkers(epoch, t0, newIds, lineBytesOf)).toEqual([]);
    expect(await load(lost.job)).toMatchObject({ state: "waiting", attempts: 1, epoch: 1 });
    expect(await load(alive.job)).toMatchObject({ state: "running" });
    expect(await ledger.listAttempts(tenant, lost.job.id)).toMatchObject([{ outcome: "lost", endedAt: t0 }]);
  });

  test("end where a repeated call is not allowed, and when their attempts are used up", async () => {
    const { ledger, started, leaderEpoch, newIds, register } = await setup();
    const worker = await register();
    const webhookUrl = "https://example.com/";
    const once = await started({ onAmbiguous: "fail", webhookUrl }, worker);
    const last = await started({ maxAttempts: 1 }, worker);
    await ledger.retire(worker);
    const moved = await ledger.returnJobsOfDeadWorkers(await leaderEpoch(), t0, newIds, lineBytesOf);
    expect(moved.map(({ jobId, state }) => [jobId, state]).sort()).toEqual([
      [once.job.id, "dead"],
      [last.job.id, "dead"],
    ]);
    expect(moved.find(({ jobId }) => jobId === once.job.id)?.deliveryIds).toEqual([
      expect.stringMatching(/^dlv_/),
    ]);
    const codes = await Promise.all([once, last].map(({ job }) => ledger.findJob(tenant, job.id)));
    expect(codes.map((job) => job?.failure?.code)).toEqual(["ambiguous_attempt", "attempts_exhausted"]);
  });
});

test("a job that loses five workers is quarantined, whatever attempts it has left", async () => {
  const { ledger, accepted, register, leaderEpoch, newIds } = await setup();
  const job = await accepted({ maxAttempts: 20 });
  const epoch = await leaderEpoch();
  const states: unknown[] = [];
  for (let lost = 0; lost < 5; lost += 1) {
    const worker = await register();
    await ledger.startAttempts([startOf(job, worker, lost)]);
    await ledger.retire(worker);
    const [moved] = await ledger.returnJobsOfDeadWorkers(epoch, t0 + lost, newIds, lineBytesOf);
    states.push([moved?.state, moved?.failureCode]);
  }
  expect(states.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => ["waiting", undefined]));
  expect(states[4]).toEqual(["dead", "quarantined"]);
  expect(await ledger.findJob(tenant, job.id)).toMatchObject({
    state: "dead",
    attempts: 5,
    failure: { code: "quarantined" },
  });
});

describe("expiry", () => {
  test("ends jobs past their deadline, but neither running ones nor those that may be late", async () => {
    const { ledger, accepted, started, leaderEpoch, newIds } = await setup();
    const due = await accepted({ deadlineAt: t0 + 10 });
    const late = await accepted({ deadlineAt: t0 + 10, onMiss: "best_effort" });
    const early = await accepted({ deadlineAt: t0 + 11 });
    const running = await started({ deadlineAt: t0 + 10 });
    const epoch = await leaderEpoch();
    const expired = await ledger.expireJobs(epoch, t0 + 10, 10, newIds, lineBytesOf);
    expect(expired).toMatchObject([{ jobId: due.id, state: "expired" }]);
    expect(await ledger.findJob(tenant, due.id)).toMatchObject({
      state: "expired",
      failure: { code: "job_expired" },
    });
    for (const job of [late, early])
      expect(await ledger.findJob(tenant, job.id)).toMatchObject({ state: "queued" });
    expect(await ledger.settle([success(running, newIds())])).toMatchObject([{ kind: "recorded" }]);
  });

  test("racing with a start leaves the job running or expired, never both", async () => {
    const { ledger, open, accepted, register, leaderEpoch, newIds } = await setup();
    const worker = await register();
    const epoch = await leaderEpoch();
    const other = open();
    for (let round = 0; round < 20; round += 1) {
      const job = await accepted({ deadlineAt: t0 });
      const [[start], expired] = await Promise.all([
        ledger.startAttempts([startOf(job, worker, 0)]),
        other.expireJobs(epoch, t0 + 1, 10, newIds, lineBytesOf),
      ]);
      const state = (await ledger.findJob(tenant, job.id))?.state;
      expect([start?.kind, expired.length, state]).toEqual(
        start?.kind === "started" ? ["started", 0, "running"] : ["lost", 1, "expired"],
      );
    }
  });
});
