/** Places in an engine's batch; a call that finds none waits its turn. */
export interface Slots {
  /** Runs `start` now, or when a slot is free; `false` if it has to wait. */
  take(start: () => void): boolean;
  /** Gives a slot back. */
  free(): void;
  /** Takes a waiting call out of the queue. */
  leave(start: () => void): void;
}

/** `size` slots, first come, first served; 0 is as many as asked for. */
export function createSlots(size: number): Slots {
  let taken = 0;
  let handingOut = false;
  const waiting = new Set<() => void>();
  return {
    take(start) {
      if (size > 0 && taken >= size) {
        waiting.add(start);
        return false;
      }
      taken += 1;
      start();
      return true;
    },
    free() {
      taken -= 1;
      // A started call may end at once and free its slot: the loop that is running takes it up, not a deeper call.
      if (handingOut) return;
      handingOut = true;
      for (const start of waiting) {
        if (taken >= size) break;
        waiting.delete(start);
        taken += 1;
        start();
      }
      handingOut = false;
    },
    leave: (start) => {
      waiting.delete(start);
    },
  };
}
