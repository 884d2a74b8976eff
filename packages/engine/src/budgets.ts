import type {
  BatchId,
  Budget,
  BudgetLedger,
  Clock,
  EngineConfig,
  JobToRun,
  Logger,
  TenantId,
} from "@sluice/domain";
import { tenantConfig } from "./tenant-config.ts";

/** Whose money a job spends beside that of its target and tenant. */
export interface Payers {
  readonly tenantId: TenantId;
  readonly keyId?: string | undefined;
  /** The key's own budget, in place of the configured one. */
  readonly keyUsdPerDay?: number | undefined;
  /** The batch that it is a line of. */
  readonly batchId?: BatchId | undefined;
  readonly maxSpendUsd?: number | undefined;
}

/** The budgets that a job's calls are held against beside the limits of target and tenant. */
export function budgetsOf(config: EngineConfig, payers: Payers): Budget[] {
  const { tenantId, keyId, batchId, maxSpendUsd } = payers;
  const budgets: Budget[] = [];
  const usdPerDay = payers.keyUsdPerDay ?? tenantConfig(config, tenantId).limits.usdPerDayPerKey;
  if (keyId !== undefined && usdPerDay !== undefined)
    budgets.push({ key: `key:${keyId}`, usd: usdPerDay, window: "day" });
  if (batchId !== undefined && maxSpendUsd !== undefined)
    budgets.push({ key: `batch:${batchId}`, usd: maxSpendUsd, window: "total" });
  return budgets;
}

/** Whose money the attempts of a job spend. */
export function payersOf(job: JobToRun): Payers {
  return { ...job, batchId: job.batchLine?.batchId };
}

/** What workers do about money. */
export interface Purse {
  /** The budgets of a job with what the ledger says was spent of them. */
  withSpend(job: JobToRun, budgets: readonly Budget[]): Promise<readonly Budget[]>;
  /** Ends the batch of a line that its money does not pay for. */
  stopBatch(id: BatchId): Promise<void>;
}

export interface PursePorts {
  readonly ledger: Pick<BudgetLedger, "batchSpend" | "keySpend" | "stopBatch">;
  readonly clock: Clock;
  readonly logger: Logger;
}

const dayMs = 86_400_000;

/** Makes a worker's purse. Jobs that ask for the spend of one budget at the same time share one reading. */
export function createPurse({ ledger, clock, logger }: PursePorts): Purse {
  const readings = new Map<string, Promise<number>>();

  function read(job: JobToRun, { window }: Budget): Promise<number> {
    if (window === "day") return ledger.keySpend(job.keyId ?? "", clock.now() - dayMs);
    if (job.batchLine === undefined) throw new Error("only lines of a batch have a budget of all time");
    return ledger.batchSpend(job.batchLine.batchId);
  }

  function share(job: JobToRun, budget: Budget): Promise<number> {
    const underWay = readings.get(budget.key);
    if (underWay !== undefined) return underWay;
    const reading = read(job, budget).finally(() => readings.delete(budget.key));
    readings.set(budget.key, reading);
    return reading;
  }

  return {
    withSpend: (job, budgets) =>
      Promise.all(budgets.map(async (budget) => ({ ...budget, spentUsd: await share(job, budget) }))),
    async stopBatch(id) {
      if (await ledger.stopBatch(id, clock.now()))
        logger.info({ batchId: id }, "the batch is ended: its money does not pay for the next line");
    },
  };
}
