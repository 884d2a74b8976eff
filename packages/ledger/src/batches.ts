import {
  type AcceptResult,
  type Batch,
  type BatchDialect,
  type BatchId,
  type BatchLedger,
  type BatchLineError,
  type BatchSpec,
  type DeliveryId,
  type EventIds,
  type FileRecord,
  type IdempotencyClaim,
  type Page,
  SluiceError,
  type TenantId,
  uuidOf,
} from "@sluice/domain";
import { cancelUnstartedLines } from "./cancel-lines.ts";
import { retrying, type Sql, type Transaction } from "./client.ts";
import { nameList, parametersOf, unnest } from "./columns.ts";
import { keysOf, useContents } from "./contents.ts";
import { deleteBatch } from "./delete-batch.ts";
import { insertFile } from "./files.ts";
import { finaliseBatches } from "./finalise-batches.ts";
import { answerOf, type ClaimAnswer, claimColumns, claimSql } from "./idempotency.ts";
import { insertLines } from "./insert-lines.ts";
import { violates } from "./ledger-error.ts";
import { type BatchRow, batchColumns, batchOf, batchSource } from "./read-batch.ts";
import { type SpecRow, specColumns, specOf } from "./read-job.ts";
import { readLines, readRetryLines } from "./read-lines.ts";
import { deliveryIds, tellReceivers } from "./tell-receivers.ts";

/** Batches from acceptance to their end. */
export function createBatches(sql: Sql): BatchLedger {
  return {
    createBatch: (spec, idempotency, input) =>
      input === undefined
        ? createBatch(sql, spec, idempotency)
        : createWithInput(sql, { spec, idempotency, input }),
    findBatch: (tenant, id, dialect) => findBatch(sql, id, { tenant, dialect }),
    listBatches: (tenant, dialect, page) => listBatches(sql, { tenant, dialect, page }),
    deleteBatch: (tenant, id, now) => deleteBatch(sql, { tenant, id, now }),
    async findLastLine(id) {
      const [row] = await sql.unsafe<SpecRow[]>(lastLineStatement, [uuidOf("batch", id)]);
      return row && specOf(row);
    },
    async cancelBatch(tenant, id, now, newIds, lineBytesOf) {
      const began = await sql`
        UPDATE batches SET status = 'cancelling', cancelling_at = ${now}
        WHERE id = ${uuidOf("batch", id)} AND tenant_id = ${tenant} AND status IN ('validating', 'in_progress')
        RETURNING id`;
      if (began.length > 0) await cancelUnstartedLines(sql, { now, newIds, lineBytesOf }, id);
      return findBatch(sql, id, { tenant });
    },
    batchesToValidate: (limit) => batchesToValidate(sql, limit),
    async claimValidation(id, holder, leaseMs) {
      const claimed = await sql`
        UPDATE batches SET validator = ${holder},
          validator_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
        WHERE id = ${uuidOf("batch", id)} AND status = 'validating'
          AND (validator_until IS NULL OR validator_until <= clock_timestamp() OR validator = ${holder})
        RETURNING id`;
      return claimed.length > 0 ? findBatch(sql, id) : undefined;
    },
    insertLines: (id, holder, lines, now, carry) => insertLines(sql, { id, holder, lines, now, carry }),
    readRetryLines: (id, afterLine, limit) => readRetryLines(sql, { id, afterLine, limit }),
    failBatch: (id, errors, total, now, ids) => failBatch(sql, { id, errors, total, now, ids }),
    finaliseBatches: (leaderEpoch, now, newIds, lineBytesOf) =>
      finaliseBatches(sql, { leaderEpoch, now, newIds, lineBytesOf }),
    readLines: (id, side, afterLine, limit) => readLines(sql, { id, side, afterLine, limit }),
  };
}

// A validation gives ids in the order of the lines.
const lastLineStatement = `
  SELECT ${specColumns}, j.body, j.body_key FROM jobs j WHERE j.batch_id = $1 ORDER BY j.id DESC LIMIT 1`;

const createStatement = `
  WITH ${claimSql(batchColumns.length + 1)},
  made AS (
    INSERT INTO batches (${nameList(batchColumns)}) SELECT ${nameList(batchColumns)}
    FROM ${unnest(batchColumns, "i")}
    WHERE NOT EXISTS (SELECT FROM claimed c WHERE c.claim_id <> c.wanted_by)
  )
  SELECT wanted_by, claim_id, body_sha256, status, body FROM claimed`;

/** Undoes the input of a call that repeats another. */
class Repeated extends Error {
  readonly result: AcceptResult;
  constructor(result: AcceptResult) {
    super("the call repeats another");
    this.result = result;
  }
}

interface BatchWithInput {
  readonly spec: BatchSpec;
  readonly idempotency: IdempotencyClaim | undefined;
  readonly input: FileRecord;
}

/** The file is deleted from the beginning: out of sight, and gone when its batch does not need it. */
async function createWithInput(
  sql: Sql,
  { spec, idempotency, input }: BatchWithInput,
): Promise<AcceptResult> {
  try {
    return await sql.begin(async (transaction) => {
      const result = await createBatch(transaction, spec, idempotency);
      if (result.kind !== "accepted") throw new Repeated(result);
      await insertFile(transaction, input);
      const fileId = uuidOf("file", input.id);
      await useContents(transaction, fileId, keysOf(input.content));
      await transaction`UPDATE files SET deleted_at = ${input.createdAt} WHERE id = ${fileId}`;
      return result;
    });
  } catch (error) {
    if (error instanceof Repeated) return error.result;
    throw error;
  }
}

async function createBatch(
  sql: Sql | Transaction,
  spec: BatchSpec,
  idempotency?: IdempotencyClaim,
): Promise<AcceptResult> {
  const { tenantId, createdAt } = spec;
  const claimId = uuidOf("batch", spec.id);
  const claims =
    idempotency === undefined ? [] : [{ ...idempotency, tenantId, claimId, createdAt, callers: 1 }];
  const parameters = [...parametersOf(batchColumns, [spec]), ...parametersOf(claimColumns, claims)];
  const [answer] = await retrying(() => sql.unsafe<ClaimAnswer[]>(createStatement, parameters)).catch(
    (error: unknown) => {
      if (!violates(error, "batches_retry")) throw error;
      throw new SluiceError("already_retried", "This batch was retried already.", { param: "retry_of" });
    },
  );
  if (answer === undefined || idempotency === undefined || answer.claimId === claimId)
    return { kind: "accepted" };
  return answerOf(answer, idempotency.bodySha256);
}

async function findBatch(
  sql: Sql,
  id: BatchId,
  { tenant, dialect }: { readonly tenant?: TenantId; readonly dialect?: BatchDialect | undefined } = {},
): Promise<Batch | undefined> {
  const [row] = await sql<BatchRow[]>`
    SELECT b.*, c.* FROM ${sql.unsafe(batchSource)}
    WHERE b.id = ${uuidOf("batch", id)} AND b.deleted_at IS NULL
      ${tenant === undefined ? sql`` : sql`AND b.tenant_id = ${tenant}`}
      ${dialect === undefined ? sql`` : sql`AND b.dialect = ${dialect}`}`;
  return row && batchOf(row);
}

interface BatchPage {
  readonly tenant: TenantId;
  readonly dialect: BatchDialect;
  readonly page: Page;
}

async function listBatches(sql: Sql, { tenant, dialect, page }: BatchPage): Promise<Batch[]> {
  const { after, limit, order } = page;
  const comparison = order === "asc" ? sql`>` : sql`<`;
  const rows = await sql<BatchRow[]>`
    SELECT b.*, c.* FROM ${sql.unsafe(batchSource)}
    WHERE b.tenant_id = ${tenant} AND b.dialect = ${dialect} AND b.deleted_at IS NULL
      ${after === undefined ? sql`` : sql`AND b.id ${comparison} ${uuidOf("batch", after)}`}
    ORDER BY b.id ${order === "asc" ? sql`ASC` : sql`DESC`} LIMIT ${limit}`;
  return rows.map(batchOf);
}

async function batchesToValidate(sql: Sql, limit: number): Promise<BatchId[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM batches
    WHERE status = 'validating' AND (validator_until IS NULL OR validator_until <= clock_timestamp())
    ORDER BY id LIMIT ${limit}`;
  return rows.map(({ id }): BatchId => `batch_${id}`);
}

interface Failing {
  readonly id: BatchId;
  readonly errors: readonly BatchLineError[];
  readonly total: number;
  readonly now: number;
  readonly ids: EventIds;
}

async function failBatch(sql: Sql, { id, errors, total, now, ids }: Failing): Promise<DeliveryId[]> {
  const eventId = uuidOf("event", ids.eventId);
  const rows = await sql<{ deliveries: string[] }[]>`
    WITH failed AS (
      UPDATE batches SET status = 'failed', failed_at = ${now}, errors = ${sql.json(plain(errors))},
        total = CASE WHEN dialect = 'anthropic' THEN batches.total ELSE ${total} END
      WHERE id = ${uuidOf("batch", id)} AND status = 'validating'
      RETURNING ${eventId}::uuid AS event_id, ${uuidOf("delivery", ids.deliveryId)}::uuid AS delivery_id, tenant_id,
        'batch.failed' AS type, id AS object_id, ${now}::timestamptz AS at, webhook_url, webhook_payload,
        NULL::uuid AS batch_id
    ),
    ${sql.unsafe(tellReceivers("failed"))}
    SELECT deliveries FROM told`;
  return deliveryIds(rows[0]?.deliveries);
}

/** Without the fields that are undefined: the column holds what JSON can say. */
function plain(
  errors: readonly BatchLineError[],
): { code: string; message: string; line: number | null; param: string | null }[] {
  return errors.map(({ code, line, message, param }) => ({
    code,
    message,
    line: line ?? null,
    param: param ?? null,
  }));
}
