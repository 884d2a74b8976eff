import {
  type BudgetUse,
  type HourUse,
  idFromUuid,
  isId,
  type LedgerUse,
  type RunningUse,
  reservationId,
  type SentUse,
  tenantId,
  type UseLedger,
} from "@sluice/domain";
import { batchSpend } from "./budgets.ts";
import type { Sql, Transaction } from "./client.ts";

/** What capacity is rebuilt from when it is lost. */
export function createUse(sql: Sql): UseLedger {
  return {
    async hasAttempts() {
      const [row] = await sql<{ found: boolean }[]>`SELECT EXISTS (SELECT FROM attempts) AS found`;
      return row?.found === true;
    },
    // One snapshot for all: a call that is under way in one part must not have ended in another.
    readUse: (asked) =>
      sql.begin("isolation level repeatable read read only", (transaction) => readUse(transaction, asked)),
  };
}

type Asked = Parameters<UseLedger["readUse"]>[0];

async function readUse(transaction: Transaction, { windowMs, hours }: Asked): Promise<LedgerUse> {
  const [moment] = await transaction<{ at: number }[]>`SELECT clock_timestamp() AS at`;
  if (moment === undefined) throw new Error("the ledger has no clock");
  const { at } = moment;
  const running = await readRunning(transaction, at);
  return {
    sent: await readSent(transaction, at, windowMs),
    hours: hours === "all" ? await readHours(transaction, at) : [],
    running,
    budgets: await readBudgets(transaction, at, running),
  };
}

/** Longer than any call lasts, so that those under way are found. */
const longestCallMs = 11 * 60_000;
/** Calls sent within this long of each other count as one entry, which ages from the last of them. */
const bucketMs = 250;
const hourMs = 3_600_000;
const dayMs = 25 * hourMs;

// What has a latency was settled by its worker; else the call may still be under way, whatever became of its job. What
// an old worker started has no reservation, and may have been sent until it ended.
const tokens = `coalesce(a.input_tokens, a.reserved_input, 0) AS input,
  coalesce(a.output_tokens, a.reserved_output, 0) AS output`;

/** Rows of `target_id` and `tenant_id` as those of each target and those of each tenant. */
const scoped = `CASE WHEN grouping(target_id) = 0 THEN 'target' ELSE 'tenant' END AS scope,
  coalesce(target_id, tenant_id) AS id`;

// Both are summed twice, first by target and tenant together: to group a day of rows in two ways would sort them.

function readSent(transaction: Transaction, at: number, windowMs: number): Promise<SentUse[]> {
  return transaction<SentUse[]>`
    SELECT ${transaction.unsafe(scoped)},
      greatest(0, extract(epoch FROM ${at}::timestamptz - sent_until) * 1000)::int AS ago_ms,
      sum(requests) AS requests, sum(input) AS input_tokens, sum(output) AS output_tokens
    FROM (
      SELECT target_id, tenant_id, count(*) AS requests, sum(input) AS input, sum(output) AS output,
        date_bin(${`${bucketMs} milliseconds`}::interval, sent, ${at}::timestamptz)
          + ${`${bucketMs} milliseconds`}::interval AS sent_until
      FROM (
        SELECT a.target_id, a.tenant_id, coalesce(a.sent_at, a.ended_at, ${at}::timestamptz) AS sent,
          ${transaction.unsafe(tokens)}
        FROM attempts a
        WHERE a.started_at >= ${at - longestCallMs} AND (a.reservation IS NULL OR a.sent_at IS NOT NULL)
      ) each
      WHERE sent > ${at - windowMs}
      GROUP BY 1, 2, 6
    ) sent
    GROUP BY GROUPING SETS ((target_id, sent_until), (tenant_id, sent_until))
    HAVING coalesce(target_id, tenant_id) IS NOT NULL
    ORDER BY 1, 2, 3`;
}

function readHours(transaction: Transaction, at: number): Promise<HourUse[]> {
  return transaction<HourUse[]>`
    SELECT ${transaction.unsafe(scoped)}, (extract(epoch FROM hour_at) / 3600)::int AS hour,
      sum(input + output) AS tokens, sum(usd) AS usd
    FROM (
      SELECT target_id, tenant_id, date_trunc('hour', started_at) AS hour_at, sum(input) AS input,
        sum(output) AS output, sum(usd) AS usd
      FROM (
        SELECT a.target_id, a.tenant_id, a.started_at, coalesce(a.cost_usd, a.held_usd, 0) AS usd,
          ${transaction.unsafe(tokens)}
        FROM attempts a
        WHERE a.started_at >= ${at - dayMs}
          AND (a.reservation IS NULL OR a.sent_at IS NOT NULL OR a.latency_ms IS NULL)
      ) each
      GROUP BY 1, 2, 3
    ) spent
    GROUP BY GROUPING SETS ((target_id, hour_at), (tenant_id, hour_at))
    HAVING coalesce(target_id, tenant_id) IS NOT NULL
    ORDER BY 1, 2, 3`;
}

interface RunningRow {
  readonly reservation: string;
  readonly workerId: string;
  readonly targetId: string;
  readonly tenantId: string;
  readonly startedAt: number;
  readonly leaseUntil: number | null;
  readonly input: number;
  readonly output: number;
  readonly heldUsd: number;
  readonly keyId: string | null;
  /** Its batch, if that has a budget. */
  readonly batchId: string | null;
}

async function readRunning(transaction: Transaction, at: number): Promise<RunningUse[]> {
  const rows = await transaction<RunningRow[]>`
    SELECT a.reservation, a.worker_id, a.target_id, a.tenant_id, a.started_at, w.lease_until,
      a.reserved_input AS input, a.reserved_output AS output, coalesce(a.held_usd, 0) AS held_usd, a.key_id,
      b.id AS batch_id
    FROM attempts a LEFT JOIN workers w ON w.id = a.worker_id LEFT JOIN jobs j ON j.id = a.job_id
      LEFT JOIN batches b ON b.id = j.batch_id AND b.max_spend_usd IS NOT NULL
    WHERE a.started_at >= ${at - longestCallMs} AND a.latency_ms IS NULL AND a.reservation IS NOT NULL
    ORDER BY a.started_at, a.reservation`;
  return rows.map((row) => runningUse(row, at));
}

function runningUse(row: RunningRow, at: number): RunningUse {
  const { reservation, workerId, targetId, keyId, batchId } = row;
  const key = keyId === null ? [] : [{ key: `key:${keyId}`, window: "day" } as const];
  const batch =
    batchId === null ? [] : [{ key: `batch:${idFromUuid("batch", batchId)}`, window: "total" } as const];
  return {
    reservationId: reservationId(idFromUuid("worker", workerId), reservation),
    targetId,
    tenantId: tenantId(row.tenantId),
    startedAgoMs: Math.max(0, at - row.startedAt),
    leaseMs: row.leaseUntil === null ? 0 : row.leaseUntil - at,
    inputTokens: row.input,
    outputTokens: row.output,
    usd: row.heldUsd,
    budgets: [...key, ...batch],
  };
}

/** What was spent of each budget that calls under way are held against. */
async function readBudgets(
  transaction: Transaction,
  at: number,
  running: readonly RunningUse[],
): Promise<BudgetUse[]> {
  const keys = [...new Set(running.flatMap(({ budgets }) => budgets.map(({ key }) => key)))].sort();
  const found: BudgetUse[] = [];
  for (const key of keys) {
    const id = key.slice(key.indexOf(":") + 1);
    if (isId("batch", id)) {
      found.push({ key, window: "total", hour: 0, usd: await batchSpend(transaction, id) });
      continue;
    }
    const hours = await transaction<{ hour: number; usd: number }[]>`
      SELECT floor(extract(epoch FROM a.started_at) / 3600)::int AS hour,
        sum(coalesce(a.cost_usd, a.held_usd)) AS usd
      FROM attempts a WHERE a.key_id = ${id} AND a.started_at >= ${at - dayMs} GROUP BY 1 ORDER BY 1`;
    for (const { hour, usd } of hours) found.push({ key, window: "day", hour, usd });
  }
  return found;
}
