import type {
  BatchLedger,
  BudgetLedger,
  ContentLedger,
  DeadLetterLedger,
  DeliveryLedger,
  DispatchLedger,
  FileLedger,
  ForecastLedger,
  JobLedger,
  LaneLedger,
  Logger,
  StreamReaderLedger,
  StreamWriterLedger,
  TargetLedger,
  TenantLedger,
  UploadLedger,
  UseLedger,
  WebhookLedger,
  WindowLedger,
  WorkerLedger,
} from "@sluice/domain";
import type { Flush } from "./batcher.ts";
import { createBatches } from "./batches.ts";
import { createBudgets } from "./budgets.ts";
import { connect } from "./client.ts";
import { createContents } from "./contents.ts";
import { createDeadLetterLedger } from "./dead-letters.ts";
import { createDeliveries } from "./deliveries.ts";
import { createDeliveryLog } from "./delivery-log.ts";
import { createDispatch } from "./dispatch.ts";
import { createFiles } from "./files.ts";
import { createForecasts } from "./forecast.ts";
import { createJobs } from "./jobs.ts";
import { createLaneBacklogs } from "./lane-backlogs.ts";
import { translatingErrors } from "./ledger-error.ts";
import { createStreams } from "./streams.ts";
import { createTargetStates } from "./target-states.ts";
import { createTenants } from "./tenants.ts";
import { createUploads } from "./uploads.ts";
import { createUse } from "./use.ts";
import { createWebhookEndpoints } from "./webhook-endpoints.ts";
import { createWindows } from "./windows.ts";
import { createWorkers } from "./workers.ts";

export interface LedgerOptions {
  /** `postgres://…`; also through a transaction pooler. */
  readonly url: string;
  readonly maxConnections: number;
  readonly applicationName?: string;
  /** Called after each group commit. */
  readonly onFlush?: (flush: Flush) => void;
  readonly logger?: Logger;
}

/** The ledger: every port that PostgreSQL stands behind. */
export interface Ledger
  extends JobLedger,
    WorkerLedger,
    DispatchLedger,
    BatchLedger,
    BudgetLedger,
    ContentLedger,
    FileLedger,
    StreamReaderLedger,
    StreamWriterLedger,
    UploadLedger,
    ForecastLedger,
    TargetLedger,
    TenantLedger,
    DeliveryLedger,
    WebhookLedger,
    DeadLetterLedger,
    LaneLedger,
    UseLedger,
    WindowLedger {
  /** Resolves when PostgreSQL can commit; rejects when it cannot be reached or only reads (a standby). */
  ping(): Promise<void>;
  /** Lets running statements end, for at most 2 s, and closes the connections. */
  close(): Promise<void>;
}

/**
 * Opens the ledger; connections are made at the first statement, and again after a loss. Its calls throw
 * SluiceError `ledger_unavailable` when PostgreSQL cannot be reached, and LedgerError for what it refuses.
 */
export function createLedger({
  url,
  maxConnections,
  applicationName,
  onFlush,
  logger,
}: LedgerOptions): Ledger {
  const sql = connect({ url, maxConnections, ...(applicationName === undefined ? {} : { applicationName }) });
  const batching = {
    onFlush(flush: Flush) {
      logger?.debug({ ...flush }, "ledger.flushed");
      onFlush?.(flush);
    },
  };
  return translatingErrors({
    ...createJobs(sql, batching),
    ...createWorkers(sql, batching),
    ...createDispatch(sql),
    ...createDeliveries(sql),
    ...createDeliveryLog(sql),
    ...createWebhookEndpoints(sql),
    ...createDeadLetterLedger(sql),
    ...createLaneBacklogs(sql),
    ...createBatches(sql),
    ...createBudgets(sql),
    ...createContents(sql),
    ...createFiles(sql),
    ...createUploads(sql),
    ...createForecasts(sql),
    ...createStreams(sql, batching),
    ...createTargetStates(sql),
    ...createTenants(sql),
    ...createUse(sql),
    ...createWindows(sql),
    async ping() {
      await sql.begin("read write", (transaction) => transaction`SELECT 1`);
    },
    async close() {
      // postgres 3.4 takes a connection that was lost in the middle of a query for busy: hence the bound.
      await sql.end({ timeout: 2 });
    },
  });
}
