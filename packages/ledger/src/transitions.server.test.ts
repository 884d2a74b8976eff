import { type JobState, jobTransitions } from "@sluice/domain";
import { expect, test } from "vitest";
import {
  ending,
  lineBytesOf,
  type Setup,
  setup,
  startOf,
  success,
  t0,
  tenant,
  waiting,
} from "./testing/setup.ts";

type Started = Awaited<ReturnType<Setup["started"]>>;

const failure = { code: "no_target", message: "No target." };

/** Each way in which the ledger can change a job, with the state that it leads to. */
const operations: Readonly<
  Record<string, { to: JobState; apply: (s: Setup, run: Started) => Promise<unknown> }>
> = {
  startAttempts: {
    to: "running",
    apply: async ({ ledger, load }, { job, workerId }) =>
      ledger.startAttempts([startOf(job, workerId, (await load(job)).epoch)]),
  },
  recordWaits: {
    to: "waiting",
    async apply({ ledger, load }, { job }) {
      const { epoch } = await load(job);
      return ledger.recordWaits([{ jobId: job.id, epoch, notBeforeAt: t0, waitingFor: "tokens" }]);
    },
  },
  "settle with success": {
    to: "succeeded",
    apply: ({ ledger, newIds }, run) => ledger.settle([success(run, newIds())]),
  },
  "settle with refusal": {
    to: "failed",
    apply: ({ ledger, newIds }, run) => ledger.settle([ending(run, "failed", newIds())]),
  },
  "settle as dead": {
    to: "dead",
    apply: ({ ledger, newIds }, run) => ledger.settle([ending(run, "dead", newIds())]),
  },
  "settle as expired": {
    to: "expired",
    apply: ({ ledger, newIds }, run) => ledger.settle([ending(run, "expired", newIds())]),
  },
  "settle and wait": {
    to: "waiting",
    apply: ({ ledger }, run) => ledger.settle([waiting(run, { avoidTarget: false, spentAttempt: true })]),
  },
  cancelJob: {
    to: "cancelled",
    apply: ({ ledger, newIds }, { job }) =>
      ledger.cancelJob(tenant, job.id, t0 + 9000, newIds(), lineBytesOf),
  },
  expireJobs: {
    to: "expired",
    apply: async ({ ledger, newIds, leaderEpoch }, { job }) =>
      ledger.expireJobs(await leaderEpoch(), job.deadlineAt, 10, newIds, lineBytesOf),
  },
  "endUnstarted as expired": { to: "expired", apply: (s, run) => endUnstarted(s, run, "expired") },
  "endUnstarted as dead": { to: "dead", apply: (s, run) => endUnstarted(s, run, "dead") },
  returnJobsOfDeadWorkers: {
    to: "waiting",
    async apply({ ledger, newIds, leaderEpoch }, { workerId }) {
      await ledger.retire(workerId);
      return ledger.returnJobsOfDeadWorkers(await leaderEpoch(), t0, newIds, lineBytesOf);
    },
  },
};

async function endUnstarted({ ledger, load, newIds }: Setup, { job }: Started, state: "expired" | "dead") {
  const { epoch } = await load(job);
  const end = { jobId: job.id, fromEpoch: epoch, endedAt: t0, state, failure, lineBytes: 0, ids: newIds() };
  return ledger.endUnstarted([end]);
}

/** Brings a new job into each state. */
const arrange: Readonly<Record<JobState, (s: Setup) => Promise<Started>>> = {
  async queued({ accepted, register }) {
    return { job: await accepted(), workerId: await register(), epoch: 0 };
  },
  running: ({ started }) => started(),
  async waiting(s) {
    const run = await s.started();
    await s.ledger.settle([waiting(run, { avoidTarget: false, spentAttempt: true })]);
    return run;
  },
  async succeeded(s) {
    const run = await s.started();
    await s.ledger.settle([success(run, s.newIds())]);
    return run;
  },
  failed: (s) => ended(s, "failed"),
  dead: (s) => ended(s, "dead"),
  cancelled: (s) => ended(s, "cancelled"),
  expired: (s) => ended(s, "expired"),
};

async function ended(s: Setup, state: "failed" | "dead" | "cancelled" | "expired"): Promise<Started> {
  const run = await s.started();
  await s.ledger.settle([ending(run, state, s.newIds())]);
  return run;
}

/** Operations that leave jobs of these states alone although the table would allow the step. */
const narrower: Readonly<Record<string, readonly JobState[]>> = {
  // A job that runs is not held any more.
  recordWaits: ["running"],
  // A running attempt is left to its end: its worker decides what a passed deadline means.
  expireJobs: ["running"],
  "endUnstarted as expired": ["running"],
  "endUnstarted as dead": ["running"],
  // Only an attempt can be settled or returned.
  "settle as dead": ["waiting"],
  "settle as expired": ["queued", "waiting"],
  "settle and wait": ["queued"],
  returnJobsOfDeadWorkers: ["queued"],
};

/** A queued job that nothing can serve is held and ends in one statement: queued → waiting → dead. */
const throughWaiting = new Set(["endUnstarted as dead"]);

function allows(from: JobState, operation: string, to: JobState): boolean {
  if (narrower[operation]?.includes(from)) return false;
  const direct = jobTransitions[from].includes(to);
  return (
    direct || (throughWaiting.has(operation) && from === "queued" && jobTransitions.waiting.includes(to))
  );
}

for (const from of Object.keys(jobTransitions) as JobState[]) {
  test(`a ${from} job goes where the table says, and nowhere else`, async () => {
    const s = await setup();
    const seen: string[] = [];
    const expected: string[] = [];
    for (const [name, { to, apply }] of Object.entries(operations)) {
      const run = await arrange[from](s);
      await apply(s, run);
      const after = await s.ledger.findJob(tenant, run.job.id);
      seen.push(`${name}: ${after?.state}`);
      expected.push(`${name}: ${allows(from, name, to) ? to : from}`);
      // So that the next operation on all jobs (expiry, return) meets only its own.
      await s.ledger.cancelJob(tenant, run.job.id, t0, s.newIds(), lineBytesOf);
    }
    expect(seen).toEqual(expected);
  });
}

test("every step of the table is taken by some operation", () => {
  for (const from of Object.keys(jobTransitions) as JobState[]) {
    for (const to of jobTransitions[from]) {
      const takers = Object.entries(operations).filter(([name, o]) => o.to === to && allows(from, name, to));
      expect(takers, `${from} → ${to}`).not.toEqual([]);
    }
  }
});
