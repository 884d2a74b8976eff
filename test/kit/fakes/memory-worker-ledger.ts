import {
  type AppendChunk,
  assertJobTransition,
  type Clock,
  type HeldJob,
  isTerminal,
  type JobId,
  type JobState,
  type JobToRun,
  type Settlement,
  type SettleResult,
  type StartAttempt,
  type StartResult,
  type StreamWriterLedger,
  type UnstartedEnd,
  type WorkerId,
  type WorkerLedger,
} from "@sluice/domain";
import { sampleJob } from "../samples.ts";
import { createFaults, type Faults } from "./faults.ts";

type Method =
  | "register"
  | "renewLease"
  | "retire"
  | "load"
  | "recordWaits"
  | "startAttempts"
  | "settle"
  | "appendEvents"
  | "endUnstarted";

/** A worker's ledger in memory, with the rules of the real one: epochs, leases, fencing. */
export interface MemoryWorkerLedger extends WorkerLedger, StreamWriterLedger {
  readonly faults: Faults<Method>;
  /** Workers and when (monotonic ms) their lease ends. */
  readonly leases: Map<WorkerId, number>;
  readonly starts: StartAttempt[];
  /** Settlements that were recorded, and those that were fenced off. */
  readonly settlements: Settlement[];
  readonly fenced: Settlement[];
  readonly ends: UnstartedEnd[];
  /** Chunks of streams that were written. */
  readonly chunks: AppendChunk[];
  /** What each call said of jobs that are held. */
  readonly waits: (readonly HeldJob[])[];
  /** Adds a job; what is not given is as in `sampleJob`. */
  put(changes?: Partial<JobToRun>): JobToRun;
  /** The job as it stands. */
  at(id: JobId): JobToRun;
  /** What the dispatcher does: jobs whose worker's lease is over wait again. */
  returnOrphans(): void;
  /** Changes a job behind everyone's back and fences its attempt. */
  overtake(id: JobId, state: JobState): void;
}

interface Row {
  readonly spec: JobToRun;
  state: JobState;
  epoch: number;
  attempts: number;
  owner: WorkerId | undefined;
  notBeforeAt: number | undefined;
  waitingFor: string | undefined;
  failedTargets: string[];
}

/** Makes an empty ledger; leases are measured by the clock's monotonic time. */
export function createMemoryWorkerLedger(clock: Clock): MemoryWorkerLedger {
  const rows = new Map<JobId, Row>();
  const leases = new Map<WorkerId, number>();
  const faults = createFaults<Method>();
  const log = {
    starts: [] as StartAttempt[],
    settlements: [] as Settlement[],
    fenced: [] as Settlement[],
    ends: [] as UnstartedEnd[],
    chunks: [] as AppendChunk[],
    waits: [] as (readonly HeldJob[])[],
  };

  const lives = (id: WorkerId | undefined) => id !== undefined && (leases.get(id) ?? 0) > clock.monotonicMs();

  function row(id: JobId): Row {
    const found = rows.get(id);
    if (found === undefined) throw new Error("the test has put no such job");
    return found;
  }

  function view(id: JobId): JobToRun {
    const { spec, owner, ...standing } = row(id);
    const began = log.chunks.some(({ jobId }) => jobId === id) ? { streamBegan: true } : {};
    return { ...spec, ...standing, ownerAlive: lives(owner), ...began };
  }

  function start(wanted: StartAttempt): StartResult {
    log.starts.push(wanted);
    const job = row(wanted.jobId);
    const free = job.state === "queued" || job.state === "waiting";
    if (!free || job.epoch !== wanted.fromEpoch || !lives(wanted.workerId)) return { kind: "lost" };
    assertJobTransition(job.state, "running");
    const { epoch, attempts } = job;
    Object.assign(job, {
      state: "running",
      epoch: epoch + 1,
      attempts: attempts + 1,
      owner: wanted.workerId,
      notBeforeAt: undefined,
      waitingFor: undefined,
    });
    return { kind: "started", epoch: epoch + 1 };
  }

  function settle(settlement: Settlement): SettleResult {
    const job = row(settlement.jobId);
    if (job.state !== "running" || job.epoch !== settlement.epoch || job.owner !== settlement.workerId) {
      log.fenced.push(settlement);
      return { kind: "fenced" };
    }
    const { next } = settlement;
    const state = next.kind === "end" ? next.state : "waiting";
    assertJobTransition("running", state);
    Object.assign(job, { state, owner: undefined });
    log.settlements.push(settlement);
    if (next.kind === "end") return recorded(job, next.ids.deliveryId);
    job.notBeforeAt = next.notBeforeAt;
    job.waitingFor = undefined;
    if (!next.spentAttempt) job.attempts -= 1;
    if (next.avoidTarget) job.failedTargets = [...job.failedTargets, settlement.targetId];
    return { kind: "recorded", deliveryIds: [] };
  }

  function recordWait({ jobId, epoch, notBeforeAt, waitingFor }: HeldJob): void {
    const job = row(jobId);
    if (job.epoch !== epoch || job.state === "running" || isTerminal(job.state)) return;
    Object.assign(job, { state: "waiting", notBeforeAt, waitingFor });
  }

  function recorded(job: Row, deliveryId: `dlv_${string}`): SettleResult {
    return { kind: "recorded", deliveryIds: job.spec.webhookUrl === undefined ? [] : [deliveryId] };
  }

  function endUnstarted(end: UnstartedEnd): SettleResult {
    const job = row(end.jobId);
    if (job.state === "running" || isTerminal(job.state) || job.epoch !== end.fromEpoch)
      return { kind: "fenced" };
    // As in the real ledger: a queued job that nothing can serve passes through waiting.
    if (job.state === "queued" && end.state === "dead") job.state = "waiting";
    assertJobTransition(job.state, end.state);
    job.state = end.state;
    log.ends.push(end);
    return recorded(job, end.ids.deliveryId);
  }

  function append(chunk: AppendChunk): "written" | "fenced" {
    const job = row(chunk.jobId);
    if (job.state !== "running" || job.epoch !== chunk.epoch || job.owner !== chunk.workerId) return "fenced";
    if (log.chunks.every(({ jobId, first }) => jobId !== chunk.jobId || first !== chunk.first))
      log.chunks.push(chunk);
    return "written";
  }

  return {
    ...log,
    faults,
    leases,
    put(changes = {}) {
      const unstarted = {
        epoch: 0,
        attempts: 0,
        failedTargets: [],
        ownerAlive: false,
        notBeforeAt: undefined,
        waitingFor: undefined,
      };
      const spec: JobToRun = { ...sampleJob, ...unstarted, ...changes };
      const { state, epoch, attempts, notBeforeAt, waitingFor, failedTargets } = spec;
      rows.set(spec.id, {
        spec,
        state,
        epoch,
        attempts,
        notBeforeAt,
        waitingFor,
        failedTargets: [...failedTargets],
        owner: undefined,
      });
      return view(spec.id);
    },
    at: view,
    returnOrphans() {
      for (const job of rows.values()) {
        if (job.state !== "running" || lives(job.owner)) continue;
        Object.assign(job, { state: "waiting", owner: undefined, notBeforeAt: clock.now() });
      }
    },
    overtake(id, state) {
      const job = row(id);
      Object.assign(job, { state, epoch: job.epoch + 1, owner: undefined });
    },
    register: ({ id, leaseMs }) =>
      faults.run("register", () => void leases.set(id, clock.monotonicMs() + leaseMs)),
    renewLease: (id, leaseMs) =>
      faults.run("renewLease", () => {
        if (!lives(id)) return false;
        leases.set(id, clock.monotonicMs() + leaseMs);
        return true;
      }),
    retire: (id) => faults.run("retire", () => void leases.delete(id)),
    load: (ids) => faults.run("load", () => ids.filter((id) => rows.has(id)).map(view)),
    recordWaits: (held) =>
      faults.run("recordWaits", () => {
        log.waits.push(held);
        held.forEach(recordWait);
      }),
    startAttempts: (starts) => faults.run("startAttempts", () => starts.map(start)),
    settle: (settlements) => faults.run("settle", () => settlements.map(settle)),
    appendEvents: (chunks) => faults.run("appendEvents", () => chunks.map(append)),
    endUnstarted: (ends) => faults.run("endUnstarted", () => ends.map(endUnstarted)),
  };
}
