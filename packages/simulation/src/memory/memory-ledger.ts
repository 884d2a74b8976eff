import {
  assertJobTransition,
  type FeedLedger,
  type ForecastLedger,
  type HeldJob,
  isTerminal,
  type JobId,
  type JobSpec,
  type JobState,
  type Settlement,
  type SettleResult,
  type StartAttempt,
  type StartResult,
  type StreamWriterLedger,
  type UnstartedEnd,
  type WindowLedger,
  type WorkerLedger,
} from "@sluice/domain";
import { type JobRow, newRow, requireRow, toRun } from "./job-row.ts";
import { createMemoryBacklog } from "./memory-backlog.ts";
import { readBacklog, samplesOf } from "./read-backlog.ts";
import { createSortedRows } from "./sorted-rows.ts";

/** The ledger of one simulated cluster: what workers, the feed, forecasts and expiry need of it. Workers never lose their lease. */
export interface MemoryLedger
  extends WorkerLedger,
    StreamWriterLedger,
    FeedLedger,
    WindowLedger,
    ForecastLedger {
  accept(spec: JobSpec, laned: boolean): void;
  /** Ends jobs that do not run, whose deadline has passed and that are to expire. */
  expire(now: number): void;
  /** Jobs that have not ended and do not run, by SLA class. */
  waiting(): Record<string, number>;
}

const recorded: SettleResult = { kind: "recorded", deliveryIds: [] };

/** Makes an empty ledger; `onEnd` is told of each ending. */
export function createMemoryLedger(onEnd: (id: JobId, state: JobState, at: number) => void): MemoryLedger {
  const rows = new Map<JobId, JobRow>();
  const backlog = createMemoryBacklog();
  const expiring = createSortedRows<JobRow>(
    (row) => row.spec.deadlineAt,
    (row) => !isTerminal(row.state),
  );

  const waiting: Record<string, number> = {};

  function move(row: JobRow, state: JobState): void {
    assertJobTransition(row.state, state);
    count(row, -1);
    row.state = state;
    count(row, 1);
  }

  function count({ state, spec: { sla } }: JobRow, change: number): void {
    if (state !== "running" && !isTerminal(state)) waiting[sla] = (waiting[sla] ?? 0) + change;
  }

  function end(row: JobRow, state: JobState, at: number): void {
    move(row, state);
    row.owner = undefined;
    backlog.remove(row);
    rows.delete(row.spec.id);
    onEnd(row.spec.id, state, at);
  }

  function start({ jobId, fromEpoch, workerId }: StartAttempt): StartResult {
    const row = rows.get(jobId);
    if (row === undefined || row.state === "running" || row.epoch !== fromEpoch) return { kind: "lost" };
    move(row, "running");
    row.epoch += 1;
    row.attempts += 1;
    row.owner = workerId;
    row.notBeforeAt = undefined;
    row.waitingFor = undefined;
    return { kind: "started", epoch: row.epoch };
  }

  function wait({ jobId, epoch, notBeforeAt, waitingFor }: HeldJob): void {
    const row = rows.get(jobId);
    if (row === undefined || row.state === "running" || row.epoch !== epoch) return;
    if (row.state === "queued") move(row, "waiting");
    Object.assign(row, { notBeforeAt, waitingFor });
  }

  function settle({ jobId, epoch, endedAt, targetId, next }: Settlement): SettleResult {
    const row = rows.get(jobId);
    if (row === undefined || row.state !== "running" || row.epoch !== epoch) return { kind: "fenced" };
    if (next.kind === "end") {
      end(row, next.state, endedAt);
      return recorded;
    }
    move(row, "waiting");
    row.owner = undefined;
    row.notBeforeAt = next.notBeforeAt;
    if (!next.spentAttempt) row.attempts -= 1;
    if (next.avoidTarget) row.failedTargets = [...row.failedTargets, targetId];
    return recorded;
  }

  function endUnstarted({ jobId, fromEpoch, state, endedAt }: UnstartedEnd): SettleResult {
    const row = rows.get(jobId);
    if (row === undefined || row.state === "running" || row.epoch !== fromEpoch) return { kind: "fenced" };
    // As in the real ledger: a queued job that nothing can serve passes through waiting.
    if (row.state === "queued" && state === "dead") move(row, "waiting");
    end(row, state, endedAt);
    return recorded;
  }

  return {
    ...backlog,
    accept(spec, laned) {
      const row = newRow(spec, laned);
      rows.set(spec.id, row);
      count(row, 1);
      backlog.add(row);
      if (spec.onMiss === "expire") expiring.add(row);
    },
    expire(now) {
      for (const row of expiring.first(500)) {
        if (row.spec.deadlineAt > now) return;
        if (row.state !== "running") end(row, "expired", now);
      }
    },
    waiting: () => ({ ...waiting }),
    readBacklog: async (question) => readBacklog(rows.values(), question),
    sampleLive: async (candidateSets) => samplesOf(rows.values(), candidateSets),
    markLaned: async (_leaderEpoch, ids) =>
      backlog.lane(ids.map((id) => requireRow(rows, id)).filter((row) => !row.laned)),
    register: async () => undefined,
    renewLease: async () => true,
    retire: async () => undefined,
    load: async (ids) => ids.flatMap((id) => rows.get(id) ?? []).map(toRun),
    startAttempts: async (starts) => starts.map(start),
    recordWaits: async (held) => held.forEach(wait),
    settle: async (settlements) => settlements.map(settle),
    endUnstarted: async (ends) => ends.map(endUnstarted),
    // No modelled job is streamed.
    appendEvents: async (chunks) => chunks.map(() => "written"),
  };
}
