import { type Batch, type BatchLedger, isBatchEnded, isId, SluiceError, type TenantId } from "@sluice/domain";

/** The batch that a new one goes on from, and the field that names it. */
export interface EarlierBatch {
  readonly param: "retry_of" | "resume_from";
  readonly batch: Batch;
}

/** What a request says of an earlier batch. */
export interface EarlierWish {
  readonly tenantId: TenantId;
  readonly retryOf?: string | undefined;
  readonly resumeFrom?: string | undefined;
}

/**
 * Finds the ended batch that a request retries or resumes; `undefined` when it does neither. Throws {@link SluiceError}
 * when it is none of the tenant's, still runs, or leaves nothing to retry.
 */
export async function findEarlier(
  ledger: Pick<BatchLedger, "findBatch">,
  { tenantId, retryOf, resumeFrom }: EarlierWish,
): Promise<EarlierBatch | undefined> {
  const param = retryOf === undefined ? "resume_from" : "retry_of";
  const id = retryOf ?? resumeFrom;
  if (id === undefined) return undefined;
  const batch = isId("batch", id) ? await ledger.findBatch(tenantId, id, "openai") : undefined;
  if (batch === undefined)
    throw new SluiceError("not_found", `No such batch: '${id.slice(0, 64)}'.`, { param });
  if (!isBatchEnded(batch.status)) {
    const message = `The batch is still '${batch.status}': wait for its end, or cancel it.`;
    throw new SluiceError("not_ended", message, { param });
  }
  if (retryOf !== undefined) requireRetryable(batch);
  return { param, batch };
}

function requireRetryable({ status, counts, retriedAs }: Batch): void {
  const param = "retry_of";
  if (retriedAs !== undefined)
    throw new SluiceError("already_retried", `This batch was retried already, as '${retriedAs}'.`, { param });
  if (status === "failed") {
    const message = "None of its lines was valid to run: correct its file and create a new batch.";
    throw new SluiceError("nothing_to_retry", message, { param });
  }
  if (counts.succeeded === counts.total)
    throw new SluiceError("nothing_to_retry", "Every line of this batch succeeded.", { param });
}
