import type { DeadLetter, DeadLetterFilter, DeadLetterGroup, Redriven, RedrivePlan } from "../dead-letter.ts";
import type { JobId, TenantId } from "../ids.ts";
import type { LineBytesOf, Page } from "./ledger.ts";

/** Dead jobs that nobody has redriven yet, and their redrive. */
export interface DeadLetterLedger {
  /** In order of the job's id. */
  listDeadLetters(tenant: TenantId, filter: DeadLetterFilter, page: Page): Promise<DeadLetter[]>;
  /** Largest group first, at most 1000. */
  groupDeadLetters(tenant: TenantId, filter: DeadLetterFilter): Promise<DeadLetterGroup[]>;
  /**
   * Makes a new job of each of these dead letters, in one transaction; answers those that were still there. A line
   * of an unfinished batch goes to the new job; a dead line of a batch that is being cancelled is left as it is.
   * `plan` gets the moment until which the batch waits for its lines, `undefined` when the new job is no line.
   */
  redriveJobs(redrive: {
    readonly tenant: TenantId;
    readonly ids: readonly JobId[];
    readonly now: number;
    readonly plan: (letter: DeadLetter, batchExpiresAt: number | undefined) => RedrivePlan;
    readonly lineBytesOf: LineBytesOf;
  }): Promise<Redriven[]>;
}
