import type { Config } from "@sluice/config";
import type {
  Capacity,
  Clock,
  DeadLetters,
  FileStore,
  IdQueue,
  IdSource,
  Job,
  Lanes,
  Logger,
  Metrics,
  Route,
} from "@sluice/domain";
import type {
  AcceptedJob,
  AcceptJobRequest,
  Admission,
  Forecaster,
  JobRequestFields,
  JobWaiter,
  JobWatcher,
  StreamFollower,
  TenantBook,
  WindowSizes,
} from "@sluice/engine";
import type { Ledger } from "@sluice/ledger";
import type { Health, MetricsRecorder, Tracing } from "@sluice/telemetry";
import type { Authenticator } from "./authenticate.ts";

/** Everything the routes work with. */
export interface ApiPorts {
  readonly ledger: Ledger;
  readonly lanes: Lanes;
  readonly capacity: Pick<Capacity, "operate" | "signals">;
  readonly batches: IdQueue;
  readonly deliveries: IdQueue;
  readonly deadLetters: DeadLetters;
  readonly files: FileStore;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics & MetricsRecorder;
  readonly health: Health;
  readonly tracing: Tracing;
  readonly config: () => Config;
  /** Where clients reach this API; `undefined`: as their requests say. */
  readonly publicUrl: string | undefined;
  readonly authenticator: Authenticator;
  /** Names of the tenants in sluice.yaml, `default` always among them. */
  readonly configuredTenants: () => readonly string[];
  readonly tenants: Pick<TenantBook, "refresh">;
  readonly acceptJob: (request: AcceptJobRequest) => Promise<AcceptedJob>;
  /** Where such a job would go now. */
  readonly previewRoute: (fields: JobRequestFields, body: Buffer) => Promise<Route>;
  /** Where this job would go now; `undefined` when its model is gone. */
  readonly previewJob: (job: Job) => Promise<Route | undefined>;
  readonly waiter: JobWaiter;
  readonly watcher: JobWatcher;
  readonly follower: StreamFollower;
  readonly windowSizes: WindowSizes;
  readonly admission: Pick<Admission, "checkQueue" | "checkRoom">;
  readonly forecaster: Pick<Forecaster, "estimate" | "estimateLive" | "kept" | "refreshed">;
}
