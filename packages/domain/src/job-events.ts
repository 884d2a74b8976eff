import { isTerminal, type JobState } from "./job.ts";

/** One change of a job's state, as everybody reads it at any time. */
export interface JobEvent {
  /** Grows within the job; the same event has the same number for ever. */
  readonly number: number;
  readonly state: JobState;
  /** By the clock of the process that made the change. */
  readonly at: number;
  /** The attempt that began with it, or ended with it. */
  readonly attempt: number | undefined;
  readonly targetId: string | undefined;
}

/** Where a job stands: all that the number of its newest event depends on. */
export interface JobStanding {
  readonly state: JobState;
  readonly epoch: number;
}

/** What the ledger remembers of a job's life. */
export interface JobHistory extends JobStanding {
  readonly acceptedAt: number;
  /** When it was held for room before its first attempt. */
  readonly firstWaitAt: number | undefined;
  /** In order of epoch. */
  readonly attempts: readonly {
    readonly epoch: number;
    readonly targetId: string;
    readonly startedAt: number;
    readonly endedAt: number | undefined;
  }[];
  readonly finishedAt: number | undefined;
}

/**
 * The number of the event that brings a job into a state. An epoch has room for three: its attempt begins, the job
 * waits after it, the job ends after it. Epoch 0 is before the first attempt: accepted, held for room, ended.
 */
export function eventNumber({ state, epoch }: JobStanding): number {
  if (isTerminal(state)) return 3 * epoch + 2;
  return 3 * epoch + (state === "waiting" ? 1 : 0);
}

/** All events of a job so far, oldest first. */
export function jobEvents(history: JobHistory): JobEvent[] {
  const events: JobEvent[] = [eventOf("queued", 0, history.acceptedAt)];
  if (history.firstWaitAt !== undefined) events.push(eventOf("waiting", 0, history.firstWaitAt));
  for (const attempt of history.attempts) {
    events.push(eventOf("running", attempt.epoch, attempt.startedAt, attempt.targetId));
    if (attempt.endedAt !== undefined && waitedAfter(history, attempt.epoch, attempt.endedAt))
      events.push(eventOf("waiting", attempt.epoch, attempt.endedAt, attempt.targetId));
  }
  if (isTerminal(history.state) && history.finishedAt !== undefined) {
    const last = history.attempts.at(-1);
    events.push(eventOf(history.state, history.epoch, history.finishedAt, last?.targetId));
  }
  return events;
}

/** An attempt that ends together with its job is not followed by a wait. */
function waitedAfter({ state, epoch: newest, finishedAt }: JobHistory, epoch: number, endedAt: number) {
  if (epoch < newest || state === "waiting") return true;
  return finishedAt !== undefined && endedAt < finishedAt;
}

function eventOf(state: JobState, epoch: number, at: number, targetId?: string): JobEvent {
  const attempt = epoch === 0 ? undefined : epoch;
  return { number: eventNumber({ state, epoch }), state, at, attempt, targetId };
}
