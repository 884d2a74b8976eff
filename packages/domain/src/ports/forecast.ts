import type { BacklogReading, ForecastReport, ForecastSnapshot } from "../forecast.ts";
import type { JobSpec } from "../job.ts";

/** All unfinished jobs in sums, for predictions. */
export interface ForecastLedger {
  /**
   * Reads each live job once: about a second for a million. Those that wait apart by effective deadline: bands begin
   * at `boundsMs` from `now`, in rising order. Overdue are those whose p95 lies from `overdueSince` to `now`; what was
   * predicted of them is told by the last of `horizonsMs` that it reached, 0 before the first.
   */
  readBacklog(question: {
    readonly now: number;
    readonly overdueSince: number;
    readonly boundsMs: readonly number[];
    readonly horizonsMs: readonly number[];
  }): Promise<BacklogReading>;
  /** One live job of each of these sets. */
  sampleLive(candidateSets: readonly string[]): Promise<JobSpec[]>;
}

/** What the processes tell each other for predictions; all of it can be lost. */
export interface ForecastBoard {
  publish(snapshot: ForecastSnapshot): Promise<void>;
  /** The last one published; `undefined` when there is none that can be read. */
  read(): Promise<ForecastSnapshot | undefined>;
  report(report: ForecastReport): Promise<void>;
  /** Takes the reports that have come since the last time. */
  takeReports(): Promise<ForecastReport[]>;
}
