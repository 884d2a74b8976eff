import type {
  Capacity,
  Clock,
  DeadLetters,
  EngineConfig,
  FileStore,
  IdQueue,
  IdSource,
  JobToRun,
  LineBytesOf,
  Logger,
  Metrics,
  ModelClient,
  Random,
  ResponseEnding,
  StreamWriterLedger,
  Tracer,
  WorkerLedger,
} from "@sluice/domain";
import type { Purse } from "./budgets.ts";
import type { ForecastReporter } from "./forecast/report-finishes.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import type { SignalsCache } from "./place-job.ts";
import type { WaitRecorder } from "./record-waits.ts";
import type { Turns } from "./turns.ts";

/** What running a job needs. */
export interface ProcessJobPorts {
  readonly ledger: WorkerLedger & StreamWriterLedger;
  readonly lease: LeaseKeeper;
  readonly capacity: Capacity;
  readonly signals: SignalsCache;
  readonly purse: Purse;
  readonly waits: WaitRecorder;
  readonly reports: Pick<ForecastReporter, "served" | "finished">;
  readonly models: ModelClient;
  readonly files: FileStore;
  readonly deadLetters: DeadLetters;
  readonly deliveries: IdQueue;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly turns: Turns;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  readonly config: () => EngineConfig;
  /** Length of a line that ended without a result (contracts). */
  readonly failureLineBytes: LineBytesOf;
  /** How an upstream's answer ends a background response (contracts). */
  readonly responseEnding: (body: Buffer) => ResponseEnding;
  /** Length of a line with a result (contracts). */
  readonly resultLineBytes: (job: JobToRun, result: ResultLine, body: Buffer) => number;
}

/** What a line of an output file says beside the result's body. */
export interface ResultLine {
  readonly statusCode: number;
  readonly contentType: string;
  readonly upstreamRequestId: string | undefined;
}
