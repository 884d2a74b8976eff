import {
  isTerminal,
  type JobFailureCode,
  type JobId,
  type JobToRun,
  type ModelCall,
  type Outcome,
  type Verdict,
} from "@sluice/domain";
import { callTimeoutMs, stuckAfterMs } from "./call-timeout.ts";
import { endUnstarted } from "./end-job.ts";
import { startsLandMs } from "./keep-capacity-warm.ts";
import { bytesOf } from "./payloads.ts";
import { type Placement, placeJob } from "./place-job.ts";
import type { ProcessJobPorts } from "./process-job-ports.ts";
import { settleAttempt } from "./settle-attempt.ts";
import { startAttempt } from "./start-attempt.ts";
import { openAttemptStream } from "./streams/attempt-stream.ts";

const ownedElsewhereMs = 5_000;
const lostRaceMs = 1_000;

/** What a lane gives to the job that is in hand. */
export interface Hand {
  /** Fires when the worker shuts down. */
  readonly signal: AbortSignal;
  /** Lets another job have this one's place until it ends: it only waits. */
  readonly lendPlace?: () => void;
}

/** Takes one pointer from claim to its verdict. Throws only when the ledger or Redis is away; the lane then tries again. */
export async function processJob(ports: ProcessJobPorts, jobId: JobId, hand: Hand): Promise<Verdict> {
  const [job] = await ports.ledger.load([jobId]);
  if (job === undefined) return { kind: "done", reference: "gone" };
  const early = await endEarly(ports, job);
  if (early !== undefined) {
    ports.waits.over(jobId);
    await leaveWaiting(ports, job);
    return early;
  }
  const placement = await placeJob(ports, job, ports.lease.workerId);
  if (placement.kind !== "held") ports.waits.over(jobId);
  switch (placement.kind) {
    case "held":
      ports.waits.held(job, placement);
      ports.metrics.increment("sluice_jobs_held_total", { limit: placement.limit });
      return { kind: "later", at: placement.at };
    case "unpayable":
      return stopBatch(ports, job);
    case "unservable":
      ports.logger.warn({ jobId, reason: placement.reason }, "no target can serve the job");
      await leaveWaiting(ports, job);
      return endUnstarted(ports, job, "dead", "no_target");
    case "placed":
      return ports.tracer.inSpan(
        "job.attempt",
        {
          parent: job.traceparent,
          attributes: { "sluice.job.id": jobId, "sluice.target": placement.target.id },
        },
        () => runAttempt(ports, job, placement, hand),
      );
  }
}

/** The dispatcher cancels the line with all others of its batch that have not been started. */
async function stopBatch(ports: ProcessJobPorts, job: JobToRun): Promise<Verdict> {
  await leaveWaiting(ports, job);
  if (job.batchLine !== undefined) await ports.purse.stopBatch(job.batchLine.batchId);
  return { kind: "later", at: ports.clock.now() + lostRaceMs };
}

async function endEarly(ports: ProcessJobPorts, job: JobToRun): Promise<Verdict | undefined> {
  const verdict = notRunnable(ports, job);
  if (verdict !== undefined) return verdict;
  // Its worker died in the middle: another answer could not go on where that one stopped.
  if (job.streamBegan === true) return endUnstarted(ports, job, "dead", "stream_interrupted");
  if (!isPastDeadline(ports, job)) return undefined;
  return endUnstarted(ports, job, "expired", expiryCode(job));
}

/** A job that was woken and does not take its room must not hold back those behind it. */
async function leaveWaiting({ capacity, logger }: ProcessJobPorts, { id, model }: JobToRun): Promise<void> {
  try {
    await capacity.leave({ jobId: id, model });
  } catch (error) {
    logger.warn({ jobId: id, err: error }, "a job that does not run still counts as waiting");
  }
}

function notRunnable(ports: ProcessJobPorts, job: JobToRun): Verdict | undefined {
  const now = ports.clock.now();
  if (isTerminal(job.state)) return { kind: "done", reference: job.state };
  // The dispatcher takes running jobs from dead owners; until it has, and while the owner lives, stay away.
  if (job.state === "running") return { kind: "later", at: now + ownedElsewhereMs };
  // Whoever waits for room, and not for its next attempt, may come as soon as it is woken.
  const notBeforeAt = job.waitingFor === undefined ? (job.notBeforeAt ?? now) : now;
  if (notBeforeAt > now) return { kind: "later", at: notBeforeAt };
  if (!ports.lease.holds()) return { kind: "later", at: now + lostRaceMs };
  return undefined;
}

function isPastDeadline(ports: ProcessJobPorts, job: JobToRun): boolean {
  return job.onMiss === "expire" && ports.clock.now() >= job.deadlineAt;
}

function expiryCode(job: JobToRun): JobFailureCode {
  return job.batchLine === undefined ? "job_expired" : "batch_expired";
}

type Placed = Extract<Placement, { kind: "placed" }>;

async function runAttempt(
  ports: ProcessJobPorts,
  job: JobToRun,
  placed: Placed,
  hand: Hand,
): Promise<Verdict> {
  // Read before the attempt is committed: a committed attempt must always be settled.
  const body = await orRelease(ports, placed, bytesOf(job.body, ports.files));
  const startedAt = ports.clock.now();
  const start = {
    jobId: job.id,
    fromEpoch: job.epoch,
    workerId: ports.lease.workerId,
    targetId: placed.target.id,
    startedAt,
    route: placed.route,
    held: placed.held,
    reserved: placed.reserved,
  };
  // The lease's signal is read before the attempt is committed: a lease lost in between aborts the call at once.
  const leaseSignal = ports.lease.signal();
  const started = await orRelease(ports, placed, startAttempt(ports, start));
  if (started.kind === "lost") {
    await ports.capacity.release(placed.reservation);
    return { kind: "later", at: startedAt + lostRaceMs };
  }
  const { epoch } = started;
  const stream = openAttemptStream(ports, job, { epoch, workerId: start.workerId });
  const signals = placed.route.signals[placed.target.id];
  const call = {
    target: placed.target,
    endpoint: job.endpoint,
    body,
    jobId: job.id,
    epoch,
    traceparent: ports.tracer.currentTraceparent() ?? job.traceparent,
    signal: AbortSignal.any([hand.signal, leaseSignal, ...(stream === undefined ? [] : [stream.signal])]),
    stream: stream?.sink,
    timeoutMs: callTimeoutMs(job, placed.target, signals, startedAt),
  };
  const stopWatching = watchForStuck(ports, stuckAfterMs(signals), hand);
  const outcome = (await isCounted(ports, placed)) ? await makeCall(ports, placed, call) : notCounted;
  stopWatching();
  const streamed = await stream?.close(outcome.kind === "succeeded" ? "complete" : "broken");
  return settleAttempt(ports, { job, placed, epoch, workerId: start.workerId, outcome, streamed });
}

const notCounted: Outcome = { kind: "aborted", reason: "reservation-lost", latencyMs: 0 };

/**
 * Whether a call counts for limits and budgets, now that its attempt has been committed. If Redis was lost before that
 * commit, the call may be in nothing that was rebuilt; if after, it is. Limits are rebuilt only once every start that
 * is no slower than {@link startsLandMs} has landed, sums of budgets are read from the ledger at any time.
 */
async function isCounted({ capacity, clock, logger }: ProcessJobPorts, placed: Placed): Promise<boolean> {
  const hasLanded = clock.monotonicMs() - placed.reservedAtMs <= startsLandMs;
  if (placed.held === undefined && hasLanded) return true;
  try {
    return await capacity.holds(placed.reservation);
  } catch (error) {
    logger.warn({ target: placed.target.id, err: error }, "a call is not made: what counts it is not known");
    return false;
  }
}

async function makeCall(ports: ProcessJobPorts, placed: Placed, call: ModelCall): Promise<Outcome> {
  const calledAfterMs = ports.clock.monotonicMs() - placed.reservedAtMs;
  return sentSinceReservation(await callModel(ports, call), calledAfterMs);
}

/** Calls of a target that hangs must not hold all places of a worker until they time out. */
function watchForStuck(
  { clock }: Pick<ProcessJobPorts, "clock">,
  afterMs: number | undefined,
  { lendPlace }: Hand,
): () => void {
  if (afterMs === undefined || lendPlace === undefined) return () => {};
  return clock.setTimer(afterMs, lendPlace);
}

/** What a step brings that comes before the call; when it fails the reservation is given back. */
async function orRelease<T>(ports: ProcessJobPorts, placed: Placed, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    await ports.capacity.release(placed.reservation);
    throw error;
  }
}

/** The client counts from its call; capacity must know how long after the reservation the request left. */
function sentSinceReservation(outcome: Outcome, calledAfterMs: number): Outcome {
  if (outcome.sentAfterMs === undefined) return outcome;
  return { ...outcome, sentAfterMs: calledAfterMs + outcome.sentAfterMs };
}

/** A client that throws has a bug; its attempt ends as any other that brought nothing, and may have been sent. */
async function callModel(ports: ProcessJobPorts, call: ModelCall): Promise<Outcome> {
  const calledAt = ports.clock.monotonicMs();
  try {
    return await ports.models.call(call);
  } catch (error) {
    ports.logger.error({ jobId: call.jobId, target: call.target.id, err: error }, "the model client failed");
    const latencyMs = ports.clock.monotonicMs() - calledAt;
    return { kind: "unreachable", reason: "the model client failed", latencyMs, sentAfterMs: 0 };
  }
}
