import type { JobId } from "@sluice/domain";

/** Pointers that wait, lowest priority number first, those of one priority in order of coming. */
export interface PointerQueue {
  add(jobId: JobId, priority: number): void;
  take(): JobId | undefined;
}

interface Place {
  readonly jobId: JobId;
  readonly priority: number;
}

/** Makes an empty queue: a sorted array, since windows keep it short. */
export function createPointerQueue(): PointerQueue {
  const places: Place[] = [];
  return {
    add(jobId, priority) {
      // Most urgent last, so that taking is cheap.
      let [low, high] = [0, places.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((places[middle]?.priority ?? 0) > priority) low = middle + 1;
        else high = middle;
      }
      places.splice(low, 0, { jobId, priority });
    },
    take: () => places.pop()?.jobId,
  };
}
