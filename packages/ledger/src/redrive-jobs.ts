import {
  type BatchStatus,
  type DeadLetter,
  type DeadLetterLedger,
  idFromUuid,
  type LineBytesOf,
  type Redriven,
  type RedrivePlan,
  uuidOf,
} from "@sluice/domain";
import { retrying, type Sql, type Transaction } from "./client.ts";
import { type Column, nameList, parametersOf, unnest, uuids } from "./columns.ts";
import { jobColumns, liveColumnNames } from "./job-columns.ts";
import { readDeadLetters } from "./read-dead-letters.ts";

type Redrive = Parameters<DeadLetterLedger["redriveJobs"]>[0];

interface Item {
  readonly letter: DeadLetter;
  readonly plan: RedrivePlan;
  readonly now: number;
  readonly takesLine: boolean;
  /** What the old line counts for in the error file. */
  readonly lineBytes: number;
}

const columns: readonly Column<Item>[] = [
  { name: "from_id", type: "uuid", value: ({ letter }) => uuidOf("job", letter.jobId) },
  { name: "to_id", type: "uuid", value: ({ plan }) => uuidOf("job", plan.id) },
  { name: "at", type: "timestamptz", value: ({ now }) => now },
  { name: "deadline_at", type: "timestamptz", value: ({ plan }) => plan.deadlineAt },
  { name: "effective_deadline_at", type: "timestamptz", value: ({ plan }) => plan.effectiveDeadlineAt },
  { name: "routing", type: "jsonb", value: ({ plan }) => plan.routing },
  { name: "candidate_set", type: "text", value: ({ plan }) => plan.candidateSet },
  { name: "takes_line", type: "bool", value: ({ takesLine }) => takesLine },
  { name: "line_bytes", type: "int4", value: ({ lineBytes }) => lineBytes },
];

/** What the new job does not have from the old one. */
const changed: Readonly<Record<string, string>> = {
  id: "i.to_id",
  accepted_at: "i.at",
  deadline_at: "i.deadline_at",
  effective_deadline_at: "i.effective_deadline_at",
  routing: "i.routing",
  candidate_set: "i.candidate_set",
  batch_id: "CASE WHEN i.takes_line THEN j.batch_id END",
  line: "CASE WHEN i.takes_line THEN j.line END",
  custom_id: "CASE WHEN i.takes_line THEN j.custom_id END",
};

const redriveStatement = `
  WITH input AS MATERIALIZED (SELECT * FROM ${unnest(columns, "i")}),
  claimed AS (
    INSERT INTO redrives (job_id, redriven_as, redriven_at, takes_line)
    SELECT i.from_id, i.to_id, i.at, i.takes_line
    FROM input i JOIN outcomes o ON o.job_id = i.from_id AND o.job_id = ANY($1)
    WHERE o.state = 'dead' ORDER BY i.from_id
    ON CONFLICT (job_id) DO NOTHING
    RETURNING job_id
  ),
  made AS (
    INSERT INTO jobs (${nameList(jobColumns)})
    SELECT ${jobColumns.map(({ name }) => changed[name] ?? `j.${name}`).join(", ")}
    FROM claimed c JOIN input i ON i.from_id = c.job_id JOIN jobs j ON j.id = c.job_id AND j.id = ANY($1)
    RETURNING ${liveColumnNames}
  ),
  lived AS (INSERT INTO live_jobs (${liveColumnNames}, laned) SELECT ${liveColumnNames}, false FROM made),
  uncounted AS (
    INSERT INTO batch_counts (batch_id, succeeded, failed, dead, cancelled, expired, input_tokens, output_tokens,
      cached_input_tokens, reasoning_tokens, output_bytes, error_bytes, cost_usd)
    SELECT m.batch_id, 0, 0, -count(*), 0, 0, 0, 0, 0, 0, 0, -sum(i.line_bytes), 0
    FROM made m JOIN input i ON i.to_id = m.id WHERE m.batch_id IS NOT NULL GROUP BY m.batch_id
  ),
  held AS (
    UPDATE batches b SET redrives = b.redrives + 1
    WHERE b.id IN (SELECT batch_id FROM made WHERE batch_id IS NOT NULL)
  )
  SELECT i.from_id, i.to_id FROM claimed c JOIN input i ON i.from_id = c.job_id ORDER BY i.ord`;

/** Makes new jobs of dead ones; see the port. Old rows stay as they are. */
export function redriveJobs(sql: Sql, redrive: Redrive): Promise<Redriven[]> {
  if (redrive.ids.length === 0) return Promise.resolve([]);
  return retrying(() => sql.begin((transaction) => redriveWithin(transaction, redrive)));
}

async function redriveWithin(transaction: Transaction, redrive: Redrive): Promise<Redriven[]> {
  const { tenant, ids, now, plan, lineBytesOf } = redrive;
  const batches = await lockBatches(
    transaction,
    ids.map((id) => uuidOf("job", id)),
  );
  const page = { limit: ids.length, order: "asc" } as const;
  const letters = await readDeadLetters(transaction, tenant, { ids }, page);
  const items = letters.flatMap((letter): Item[] => {
    const batch = letter.batchLine && batches.get(letter.batchLine.batchId);
    // What is cancelled is not begun again behind its caller's back; once the batch has ended, it can be.
    if (batch?.status === "cancelling") return [];
    const takesLine = batch?.status === "in_progress";
    const planned = plan(letter, takesLine ? batch.expiresAt : undefined);
    return [{ letter, plan: planned, now, takesLine, lineBytes: errorBytes(letter, lineBytesOf) }];
  });
  if (items.length === 0) return [];
  const rows = await transaction.unsafe<{ fromId: string; toId: string }[]>(
    redriveStatement,
    parametersOf(columns, items),
  );
  return rows.map(({ fromId, toId }) => ({ from: idFromUuid("job", fromId), to: idFromUuid("job", toId) }));
}

interface HeldBatch {
  readonly status: BatchStatus;
  readonly expiresAt: number;
}

/** The batches of these jobs. None of them can end or be cancelled before the transaction has. */
async function lockBatches(transaction: Transaction, keys: string[]): Promise<Map<string, HeldBatch>> {
  const rows = await transaction<(HeldBatch & { id: string })[]>`
    SELECT b.id, b.status, b.expires_at FROM batches b
    WHERE b.id IN (SELECT j.batch_id FROM jobs j WHERE j.id = ANY(${uuids(keys)}::uuid[]))
    ORDER BY b.id FOR UPDATE`;
  return new Map(rows.map(({ id, status, expiresAt }) => [idFromUuid("batch", id), { status, expiresAt }]));
}

function errorBytes({ jobId, batchLine, failure }: DeadLetter, lineBytesOf: LineBytesOf): number {
  return batchLine === undefined ? 0 : lineBytesOf({ ...batchLine, jobId, failure });
}
