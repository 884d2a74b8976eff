import type { Clock, JobId, LanePointer, LaneWaker, Verdict } from "@sluice/domain";
import { lanePriority } from "@sluice/scheduling";
import { createPointerQueue, type PointerQueue } from "./pointer-queue.ts";

/** Runs one pointer; `worker` is the number of the process that took it. */
export type RunPointer = (jobId: JobId, worker: number) => Promise<Verdict>;

/** Lanes with their workers, as BullMQ and the worker processes have them. */
export interface MemoryLanes extends LaneWaker {
  add(pointers: readonly LanePointer[]): void;
}

interface Held {
  readonly pointer: LanePointer;
  state: "waiting" | "delayed" | "active";
  /** Ends the delay. */
  cancel: () => void;
}

interface Lane {
  readonly queue: PointerQueue;
  readonly held: Map<JobId, Held>;
  /** Free slots of each worker. */
  readonly free: number[];
  next: number;
}

/**
 * Makes the lanes. Each worker takes as many pointers of each lane at once as it has slots, most urgent first; a
 * pointer whose verdict is `later` is delayed until then, or waits again at once.
 */
export function createMemoryLanes(options: {
  readonly clock: Clock;
  readonly workers: number;
  readonly concurrency: number;
  readonly run: RunPointer;
}): MemoryLanes {
  const { clock, workers, concurrency, run } = options;
  const epochAt = clock.now();
  const lanes = new Map<string, Lane>();

  function laneOf(model: string): Lane {
    const found = lanes.get(model) ?? {
      queue: createPointerQueue(),
      held: new Map<JobId, Held>(),
      free: Array.from({ length: workers }, () => concurrency),
      next: 0,
    };
    lanes.set(model, found);
    return found;
  }

  function enqueue(lane: Lane, held: Held): void {
    held.state = "waiting";
    lane.queue.add(held.pointer.jobId, lanePriority(held.pointer.effectiveDeadlineAt, epochAt));
  }

  function delay(lane: Lane, held: Held, at: number): void {
    held.state = "delayed";
    held.cancel = clock.setTimer(at - clock.now(), () => {
      enqueue(lane, held);
      dispatch(lane);
    });
  }

  function dispatch(lane: Lane): void {
    for (let worker = freeWorker(lane); worker !== undefined; worker = freeWorker(lane)) {
      const jobId = lane.queue.take();
      const held = jobId && lane.held.get(jobId);
      if (held === undefined) return;
      held.state = "active";
      lane.free[worker] = (lane.free[worker] ?? 0) - 1;
      void work(lane, held, worker);
    }
  }

  async function work(lane: Lane, held: Held, worker: number): Promise<void> {
    const { jobId } = held.pointer;
    const verdict = await run(jobId, worker);
    lane.free[worker] = (lane.free[worker] ?? 0) + 1;
    if (verdict.kind !== "later") lane.held.delete(jobId);
    else if (verdict.at > clock.now()) delay(lane, held, verdict.at);
    else enqueue(lane, held);
    dispatch(lane);
  }

  return {
    add(pointers) {
      for (const pointer of pointers) {
        const lane = laneOf(pointer.model);
        if (lane.held.has(pointer.jobId)) continue;
        const held: Held = { pointer, state: "waiting", cancel: () => undefined };
        lane.held.set(pointer.jobId, held);
        enqueue(lane, held);
      }
      for (const model of new Set(pointers.map((pointer) => pointer.model))) dispatch(laneOf(model));
    },
    async wake(model, jobIds) {
      const lane = laneOf(model);
      const answer = { inHand: [] as JobId[], gone: [] as JobId[] };
      for (const id of jobIds) {
        const held = lane.held.get(id);
        if (held === undefined) answer.gone.push(id);
        else if (held.state === "active") answer.inHand.push(id);
        else if (held.state === "delayed") {
          held.cancel();
          enqueue(lane, held);
        }
      }
      dispatch(lane);
      return answer;
    },
  };
}

/** The workers take turns; undefined when none has a free slot. */
function freeWorker(lane: Lane): number | undefined {
  for (let tried = 0; tried < lane.free.length; tried += 1) {
    const worker = (lane.next + tried) % lane.free.length;
    if ((lane.free[worker] ?? 0) === 0) continue;
    lane.next = worker + 1;
    return worker;
  }
  return undefined;
}
