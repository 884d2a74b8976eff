import type { ClusterEvent, Emit } from "./cluster-types.ts";

/** The record of what happened, with a way to wait for what happens next. */
export type EventLog = {
  readonly events: readonly ClusterEvent[];
  readonly emit: Emit;
  waitFor(matches: (event: ClusterEvent) => boolean): Promise<ClusterEvent>;
};

/** How many events are kept; a process that keeps dying must not fill the memory. */
const kept = 1_000;

/** Makes an event log that also tells each event to `onEvent`. */
export function createEventLog(onEvent: Emit = () => undefined): EventLog {
  const events: ClusterEvent[] = [];
  const waiters = new Set<(event: ClusterEvent) => void>();
  return {
    events,
    emit: (event) => {
      events.push(event);
      if (events.length > kept) events.shift();
      onEvent(event);
      for (const waiter of [...waiters]) waiter(event);
    },
    waitFor: (matches) =>
      new Promise((resolve) => {
        const waiter = (event: ClusterEvent): void => {
          if (!matches(event)) return;
          waiters.delete(waiter);
          resolve(event);
        };
        waiters.add(waiter);
      }),
  };
}
