import type { DeadLetters, IdQueue, JobId, LanePointer, Lanes } from "@sluice/domain";
import { createFaults, type Faults } from "./faults.ts";

type LanesMethod = "add" | "replace" | "remove" | "missing" | "unlocked" | "depth" | "generation";

/** Lanes in memory; a test moves pointers to `active` itself, and what it lists in `locked` is being worked on. */
export interface MemoryLanes extends Lanes {
  readonly waiting: Map<JobId, LanePointer>;
  readonly active: Map<JobId, LanePointer>;
  readonly locked: Set<JobId>;
  readonly faults: Faults<LanesMethod>;
  /** Each method that was called, with the ids it was given. */
  readonly calls: { readonly method: LanesMethod; readonly ids: readonly JobId[] }[];
  /** Forgets everything, as FLUSHALL does. */
  flush(): void;
}

/** Makes empty lanes. */
export function createMemoryLanes(): MemoryLanes {
  const waiting = new Map<JobId, LanePointer>();
  const active = new Map<JobId, LanePointer>();
  const locked = new Set<JobId>();
  const faults = createFaults<LanesMethod>();
  const calls: MemoryLanes["calls"] = [];
  let generation = 1;

  function run<T>(method: LanesMethod, ids: readonly JobId[], effect: () => T): Promise<T> {
    calls.push({ method, ids });
    return faults.run(method, effect);
  }

  function addMissing(pointers: readonly LanePointer[]): void {
    for (const pointer of pointers) {
      if (!waiting.has(pointer.jobId) && !active.has(pointer.jobId)) waiting.set(pointer.jobId, pointer);
    }
  }

  function removeUnlocked(ids: readonly JobId[]): void {
    for (const id of ids.filter((id) => !locked.has(id))) {
      waiting.delete(id);
      active.delete(id);
    }
  }

  const idsOf = (pointers: readonly LanePointer[]) => pointers.map(({ jobId }) => jobId);
  const inLane = (pointers: Map<JobId, LanePointer>, model: string) =>
    [...pointers.values()].filter((pointer) => pointer.model === model);

  return {
    waiting,
    active,
    locked,
    faults,
    calls,
    flush() {
      waiting.clear();
      active.clear();
      locked.clear();
      generation += 1;
    },
    add: (pointers) => run("add", idsOf(pointers), () => addMissing(pointers)),
    replace: (pointers) =>
      run("replace", idsOf(pointers), () => {
        removeUnlocked(idsOf(pointers));
        addMissing(pointers);
      }),
    remove: (_model, ids) => run("remove", ids, () => removeUnlocked(ids)),
    missing: (_model, ids) =>
      run("missing", ids, () => ids.filter((id) => !waiting.has(id) && !active.has(id))),
    unlocked: (model) =>
      run("unlocked", [], () => idsOf(inLane(active, model)).filter((id) => !locked.has(id))),
    depth: (model) =>
      run("depth", [], () => ({
        waiting: inLane(waiting, model).length,
        active: inLane(active, model).length,
        delayed: 0,
      })),
    generation: () => run("generation", [], () => `generation-${generation}`),
  };
}

/** A queue of ids that keeps what it was given. */
export function createMemoryIdQueue(): IdQueue & { readonly ids: string[]; readonly faults: Faults<"add"> } {
  const ids: string[] = [];
  const faults = createFaults<"add">();
  return {
    ids,
    faults,
    add: (items) => faults.run("add", () => void ids.push(...items.map(({ id }) => id))),
  };
}

/** Dead letters that are kept. */
export function createMemoryDeadLetters(): DeadLetters & {
  readonly entries: { readonly jobId: JobId; readonly model: string; readonly code: string }[];
  readonly faults: Faults<"add" | "remove">;
} {
  const entries: { readonly jobId: JobId; readonly model: string; readonly code: string }[] = [];
  const faults = createFaults<"add" | "remove">();
  return {
    entries,
    faults,
    add: (added) => faults.run("add", () => void entries.push(...added)),
    remove: (ids) =>
      faults.run("remove", () => {
        const left = entries.filter(({ jobId }) => !ids.includes(jobId));
        entries.splice(0, entries.length, ...left);
      }),
  };
}
