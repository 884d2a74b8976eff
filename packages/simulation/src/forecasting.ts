import type { Capacity, Clock, EngineConfig, ForecastLedger, JobSpec, Logger } from "@sluice/domain";
import {
  createForecaster,
  createForecastPublisher,
  createForecastReporter,
  type ForecastReporter,
  type WindowSizes,
} from "@sluice/engine";
import { createMemoryBoard } from "./memory/memory-board.ts";

/** The engine's own predictions of when jobs will have finished, for one simulated cluster. */
export interface Forecasting {
  readonly reports: ForecastReporter;
  /** The job with its estimate, taken for accepted and committed. */
  predicted(draft: JobSpec): JobSpec;
  /** The leader's turn. */
  publish(leaderEpoch: number): Promise<void>;
}

/** Wires the API's, the workers' and the leader's part of it over a board in memory. */
export function createForecasting(ports: {
  readonly ledger: ForecastLedger;
  readonly capacity: Pick<Capacity, "signals">;
  readonly sizes: WindowSizes;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: () => EngineConfig;
}): Forecasting {
  const board = createMemoryBoard();
  const forecaster = createForecaster({ ...ports, board });
  const reports = createForecastReporter({ ...ports, board });
  return {
    reports,
    predicted(draft) {
      const spec = { ...draft, estimate: forecaster.estimate(draft) };
      forecaster.additions.add(spec).committed();
      reports.accepted(spec);
      return spec;
    },
    publish: createForecastPublisher({ ...ports, board }),
  };
}
