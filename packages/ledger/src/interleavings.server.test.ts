import { finishedLines, idFromUuid, isBatchEnded, isTerminal, type Job, type JobSpec } from "@sluice/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { find } from "./testing/lines.ts";
import {
  ending,
  lineBytesOf,
  minute,
  setup,
  startOf,
  success,
  t0,
  tenant,
  waiting,
} from "./testing/setup.ts";

const jobCount = 8;
const webhookUrl = "https://example.com/";
const kinds = [
  "start",
  "success",
  "dead",
  "wait",
  "cancel",
  "crash",
  "return",
  "expire",
  "cancelBatch",
  "end",
  "redrive",
  "finalise",
  "park",
] as const;

const step = fc.record({
  kind: fc.constantFrom(...kinds),
  job: fc.nat(jobCount - 1),
  /** Which of two processes does it. */
  process: fc.constantFrom(0, 1),
  /** How far behind the newest epoch the caller is. */
  behind: fc.constantFrom(0, 0, 0, 1),
});

// Steps of one round run at the same time.
const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 });

const alone = { job: 4, process: 0, behind: 0 } as const;
/** What once went wrong: a cancelling that waited for an attempt's start did not close the attempt (seed 980667193). */
const cancelledWhileStarting: typeof rounds extends fc.Arbitrary<infer T> ? T : never = [
  [
    { ...alone, kind: "start", process: 1 },
    { ...alone, kind: "cancel" },
    { ...alone, kind: "crash", job: 3 },
  ],
  [{ ...alone, kind: "end", job: 1 }],
];

/** Whether no job that was made of this one has taken its line over. */
function answersItsLine(job: Job, jobs: readonly (Job | undefined)[]): boolean {
  const next = jobs.find((other) => other?.redrivenFrom === job.id);
  return job.batchLine !== undefined && next?.batchLine === undefined;
}

test("whatever happens at the same time, each job ends at most once and everything is counted once", async () => {
  const s = await setup();
  const ledgers = [s.ledger, s.open()] as const;
  const leader = await s.leaderEpoch();

  async function world(tells: boolean) {
    const { batch, lines } = await s.runningBatch(
      jobCount,
      { webhookJobs: tells },
      { webhookUrl: tells ? webhookUrl : undefined, onMiss: "expire", maxAttempts: 50 },
    );
    const workers = [await s.register(), await s.register()];
    // Each line with the jobs that have answered it, the newest last.
    return { batch, tells, lines: lines.map((line) => [line]), workers };
  }
  type World = Awaited<ReturnType<typeof world>>;

  async function take(
    { batch, lines, workers }: World,
    { kind, job, process, behind }: typeof step extends fc.Arbitrary<infer T> ? T : never,
  ) {
    const ledger = ledgers[process];
    const line = lines[job];
    const spec = line?.at(-1);
    const workerId = workers[process];
    if (line === undefined || spec === undefined || workerId === undefined) throw new Error("no such job");
    const [now] = await ledger.load([spec.id]);
    const epoch = (now?.epoch ?? 0) - behind;
    const run = { job: spec, workerId, epoch };
    switch (kind) {
      case "start":
        return ledger.startAttempts([startOf(spec, workerId, epoch)]);
      case "success":
        return ledger.settle([success(run, s.newIds())]);
      case "dead":
        return ledger.settle([ending(run, "dead", s.newIds())]);
      case "wait":
        return ledger.settle([waiting(run, { avoidTarget: true, spentAttempt: behind === 0 })]);
      case "cancel":
        return ledger.cancelJob(tenant, spec.id, t0, s.newIds(), lineBytesOf);
      case "crash":
        await ledger.retire(workerId);
        workers[process] = await s.register(10 * minute, ledger);
        return undefined;
      case "return":
        return ledger.returnJobsOfDeadWorkers(leader, t0, s.newIds, lineBytesOf);
      case "expire":
        return ledger.expireJobs(leader, spec.deadlineAt, 1, s.newIds, lineBytesOf);
      case "cancelBatch":
        return job === 0 ? ledger.cancelBatch(tenant, batch.id, t0, s.newIds, lineBytesOf) : undefined;
      case "end": {
        const failure = { code: "no_target", message: "" };
        const end = { jobId: spec.id, fromEpoch: epoch, endedAt: t0, failure, lineBytes: 1, ids: s.newIds() };
        return ledger.endUnstarted([{ ...end, state: "dead" }]);
      }
      case "redrive":
        return redrive(ledger, line, spec);
      case "park":
        return ledger.recordWaits([{ jobId: spec.id, epoch, notBeforeAt: t0, waitingFor: "tokens" }]);
      case "finalise":
        return ledger.finaliseBatches(leader, t0, s.newIds, lineBytesOf);
    }
  }

  async function redrive(ledger: typeof s.ledger, line: JobSpec[], { id, deadlineAt }: JobSpec) {
    const plan = () => {
      const fresh = idFromUuid("job", s.source.uuid());
      return { id: fresh, deadlineAt, effectiveDeadlineAt: deadlineAt, routing: {}, candidateSet: "set" };
    };
    const made = await ledger.redriveJobs({ tenant, ids: [id], now: t0, plan, lineBytesOf });
    for (const { to } of made) {
      const fresh = await ledger.findJob(tenant, to);
      if (fresh !== undefined) line.push(fresh);
    }
  }

  async function check({ batch, tells, lines: chains }: World) {
    const lines = chains.flat();
    const ids = `{${lines.map(({ id }) => id.slice(4)).join()}}`;
    const rows = await s.sql<
      { live: number; outcomes: number; events: number; deliveries: number; open: number }[]
    >`
      SELECT (SELECT count(*) FROM live_jobs WHERE id = j) AS live,
        (SELECT count(*) FROM outcomes WHERE job_id = j) AS outcomes,
        (SELECT count(*) FROM events WHERE object_id = j) AS events,
        (SELECT count(*) FROM deliveries d JOIN events e ON e.id = d.event_id WHERE e.object_id = j) AS deliveries,
        (SELECT count(*) FROM attempts WHERE job_id = j AND outcome IS NULL) AS open
      FROM unnest(${ids}::uuid[]) AS j`;
    for (const row of rows) {
      expect(row.live + row.outcomes).toBe(1);
      const told = tells ? row.outcomes : 0;
      expect([row.events, row.deliveries]).toEqual([told, told]);
      expect(row.open).toBeLessThanOrEqual(row.live);
    }
    const jobs = await Promise.all(lines.map(({ id }) => s.ledger.findJob(tenant, id)));
    expect(jobs.filter((job) => job?.redrivenAs !== undefined).length).toBe(lines.length - jobCount);
    const { counts, status } = await find(s, batch.id);
    const answering = jobs.filter((job) => job && answersItsLine(job, jobs));
    expect(answering).toHaveLength(jobCount);
    if (isBatchEnded(status)) expect(finishedLines(counts)).toBe(jobCount);
    for (const state of ["succeeded", "dead", "cancelled", "expired"] as const) {
      expect(counts[state]).toBe(answering.filter((job) => job?.state === state).length);
    }
    const [errors, output] = await Promise.all([
      s.ledger.readLines(batch.id, "error", 0, 100),
      s.ledger.readLines(batch.id, "output", 0, 100),
    ]);
    const ended = answering.filter((job) => job && isTerminal(job.state));
    expect([...errors, ...output].map(({ jobId }) => jobId).sort()).toEqual(
      ended.map((job) => job?.id).sort(),
    );
    const attempts = await Promise.all(lines.map(({ id }) => s.ledger.listAttempts(tenant, id)));
    for (const [index, list] of attempts.entries()) {
      const successes = list.filter(({ outcome }) => outcome === "succeeded").length;
      expect(successes).toBe(jobs[index]?.state === "succeeded" ? 1 : 0);
      expect(new Set(list.map(({ epoch }) => epoch)).size).toBe(jobs[index]?.epoch);
    }
  }

  const property = fc.asyncProperty(rounds, fc.boolean(), async (plan, tells) => {
    const scene = await world(tells);
    for (const round of plan) await Promise.all(round.map((each) => take(scene, each)));
    await check(scene);
  });
  await fc.assert(property, {
    numRuns: 40,
    examples: Array.from({ length: 6 }, (_, index): [typeof cancelledWhileStarting, boolean] => [
      cancelledWhileStarting,
      index % 2 === 0,
    ]),
  });
});
