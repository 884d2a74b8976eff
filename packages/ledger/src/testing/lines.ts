import type { Batch, BatchId, JobSpec } from "@sluice/domain";
import { type Setup, startOf, tenant } from "./setup.ts";

/** What {@link lineBytesOf} counts for a line that ends with this code. */
export const bytesOf = (customId: string, code: string) => customId.length + code.length;

/** Starts a line on a worker of its own. */
export async function startLine({ ledger, register }: Setup, job: JobSpec) {
  const workerId = await register();
  await ledger.startAttempts([startOf(job, workerId, 0)]);
  return { job, workerId, epoch: 1 };
}

export async function find({ ledger }: Setup, id: BatchId): Promise<Batch> {
  const batch = await ledger.findBatch(tenant, id);
  if (batch === undefined) throw new Error("no batch");
  return batch;
}

/** The line of this number, from 1. */
export function lineAt(lines: readonly JobSpec[], number: number): JobSpec {
  const line = lines[number - 1];
  if (line === undefined) throw new Error(`no line ${number}`);
  return line;
}
