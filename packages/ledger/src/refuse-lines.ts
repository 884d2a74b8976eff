import { type NewLine, uuidOf } from "@sluice/domain";
import type { Transaction } from "./client.ts";
import { type Column, parametersOf, unnest } from "./columns.ts";
import { moment } from "./contents.ts";

/** A line that comes in with its end: only this much is held until all lines are in. */
export interface RefusedLine {
  readonly id: string;
  readonly line: number;
  readonly statusCode: number;
  readonly body: Buffer;
}

/** Those of the lines that are refused. */
export function refusedOf(lines: readonly NewLine[]): RefusedLine[] {
  return lines.flatMap(({ id, batchLine, refusal }) =>
    refusal === undefined ? [] : [{ id: uuidOf("job", id), line: batchLine?.line ?? 0, ...refusal }],
  );
}

const columns: readonly Column<RefusedLine>[] = [
  { name: "job_id", type: "uuid", value: ({ id }) => id },
  { name: "line", type: "int4", value: ({ line }) => line },
  { name: "status_code", type: "int4", value: ({ statusCode }) => statusCode },
  { name: "result_size", type: "int4", value: ({ body }) => body.length },
  { name: "result_body", type: "bytea", value: ({ body }) => body },
];

const statement = `
  INSERT INTO outcomes (job_id, batch_id, finished_at, line, epoch, attempts, status_code, result_size, cost_usd, state,
    content_type, result_body)
  SELECT i.job_id, $${columns.length + 1}, $${columns.length + 2}, i.line, 0, 0, i.status_code, i.result_size, 0,
    'failed', 'application/json', i.result_body
  FROM ${unnest(columns, "i")}`;

const rowsAtOnce = 1000;

interface Refusals {
  /** UUID of the batch whose lines have just been written. */
  readonly batch: string;
  readonly at: number;
  readonly refused: readonly RefusedLine[];
}

/** Ends refused lines as failed, in the transaction that brings them in. */
export async function refuseLines(transaction: Transaction, { batch, at, refused }: Refusals): Promise<void> {
  if (refused.length === 0) return;
  for (let from = 0; from < refused.length; from += rowsAtOnce) {
    const rows = parametersOf(columns, refused.slice(from, from + rowsAtOnce));
    await transaction.unsafe(statement, [...rows, batch, moment(at)]);
  }
  await transaction`
    INSERT INTO batch_counts (batch_id, succeeded, failed, dead, cancelled, expired, input_tokens, output_tokens,
      cached_input_tokens, reasoning_tokens, output_bytes, error_bytes, cost_usd)
    VALUES (${batch}, 0, ${refused.length}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)`;
}
