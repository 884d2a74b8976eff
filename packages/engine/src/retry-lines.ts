import {
  type Batch,
  type BatchId,
  type BatchLedger,
  type BatchLineError,
  type JobSpec,
  maxBatchErrors,
} from "@sluice/domain";
import type { Payers } from "./budgets.ts";
import { servable } from "./check-lines.ts";
import { fault, InvalidBatch } from "./invalid-batch.ts";
import { type KeptLine, lineJob, type SpecLinePorts } from "./spec-line.ts";

export interface RetryLinesPorts extends Pick<SpecLinePorts, "ids" | "clock" | "config"> {
  readonly ledger: Pick<BatchLedger, "readRetryLines">;
}

const linesPerPage = 200;

/**
 * Yields new jobs for the lines of an ended batch that did not succeed. They come from its jobs and not from its input
 * file, which may be gone; each keeps its custom_id and the number of its line. Throws {@link InvalidBatch} at the end
 * when the configuration does not serve one any more.
 */
export async function* retryLines(
  ports: RetryLinesPorts,
  batch: Batch,
  payers: Payers,
  earlier: BatchId,
): AsyncGenerator<JobSpec[]> {
  const errors: BatchLineError[] = [];
  let total = 0;
  for (let after = 0; ; ) {
    const old = await ports.ledger.readRetryLines(earlier, after, linesPerPage);
    const kept = old.map(keptLine);
    for (const line of kept) {
      const checked = servable(ports.config(), batch, line);
      if ("code" in checked) errors.push({ ...checked, line: line.number });
    }
    total += kept.length;
    if (errors.length >= maxBatchErrors) break;
    if (errors.length === 0 && kept.length > 0) yield kept.map((line) => lineJob(ports, batch, payers, line));
    if (kept.length < linesPerPage) break;
    after = kept.at(-1)?.number ?? after;
  }
  if (total === 0) throw new InvalidBatch([linesAreGone], 0);
  if (errors.length > 0) throw new InvalidBatch(errors.slice(0, maxBatchErrors), total);
}

const linesAreGone: BatchLineError = {
  ...fault("not_found", "The lines of the earlier batch are not there any more.", "retry_of"),
  line: undefined,
};

function keptLine({ batchLine, ...job }: JobSpec): KeptLine {
  const { body, model, inputTokens, maxOutputTokens, capabilities } = job;
  const { customId = "", line: number = 0 } = batchLine ?? {};
  const request = { model, inputTokens, maxOutputTokens, capabilities, parsedBody: undefined };
  return { customId, number, body, ...request };
}
