import { isMessageBatchId } from "../api/message-batch-view.ts";
import { CliError } from "../context.ts";

/** Whether an id is a batch's; a job's is not. Throws {@link CliError} (exit code 2) on anything else. */
export function isBatchId(id: string): boolean {
  if (id.startsWith("batch_") || isMessageBatchId(id)) return true;
  if (id.startsWith("job_")) return false;
  throw new CliError(`"${id}" is not the id of a job (job_…) or a batch (batch_…, msgbatch_…).`, 2);
}
