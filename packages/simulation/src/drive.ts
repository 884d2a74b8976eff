import type { Clock } from "@sluice/domain";
import type { Arrival } from "./arrival.ts";

/** Lets arrivals come at their moments, those of one moment together; answers whether all have come. */
export function letArrive(
  clock: Clock,
  arrivals: readonly Arrival[],
  accept: (arrival: Arrival) => void,
): () => boolean {
  const startAt = clock.now();
  let next = 0;
  function come(): void {
    for (let arrival = arrivals[next]; arrival !== undefined; arrival = arrivals[next]) {
      if (startAt + arrival.atMs > clock.now()) break;
      next += 1;
      accept(arrival);
    }
    const following = arrivals[next];
    if (following !== undefined) clock.setTimer(startAt + following.atMs - clock.now(), come);
  }
  come();
  return () => next >= arrivals.length;
}

/** Runs `fn` again and again, `everyMs` after it has come to rest, as a process does with its duties. */
export function repeat(clock: Clock, everyMs: number, fn: () => Promise<unknown>): void {
  clock.setTimer(everyMs, () => void fn().then(() => repeat(clock, everyMs, fn)));
}
