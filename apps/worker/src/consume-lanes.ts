import type { Clock } from "@sluice/domain";
import type { Consumer } from "@sluice/queue";

const lookEveryMs = 2_000;

/** The consumers of a worker, one for each lane. */
export interface LaneConsumers {
  close(graceMs: number): Promise<void>;
}

/**
 * Consumes a lane for each model of the configuration, also for those that a reload adds. The lane of a model that is
 * gone is still consumed: its jobs must end, and they end because their model is no longer there.
 */
export function consumeLanes(options: {
  readonly models: () => readonly string[];
  readonly open: (model: string) => Consumer;
  readonly clock: Clock;
}): LaneConsumers {
  const consumers = new Map<string, Consumer>();
  let cancel = (): void => {};

  function look(): void {
    for (const model of options.models()) {
      if (!consumers.has(model)) consumers.set(model, options.open(model));
    }
    cancel = options.clock.setTimer(lookEveryMs, look);
  }

  look();
  return {
    async close(graceMs) {
      cancel();
      await Promise.all([...consumers.values()].map((consumer) => consumer.close({ graceMs })));
    },
  };
}
