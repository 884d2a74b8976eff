import {
  type BatchId,
  type FileDetails,
  type FileFilter,
  type FileId,
  type FileLedger,
  type FilePiece,
  type FileRecord,
  idFromUuid,
  type Page,
  type TenantId,
  uuidOf,
} from "@sluice/domain";
import type { Sql, Transaction } from "./client.ts";
import { keysOf, useContents } from "./contents.ts";

interface DetailsRow {
  readonly id: string;
  readonly tenantId: string;
  readonly filename: string;
  readonly purpose: string;
  readonly bytes: number;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

interface FileRow extends DetailsRow {
  readonly storeKey: string | null;
  readonly pieces: readonly FilePiece[] | null;
  readonly batchId: string | null;
  readonly side: "output" | "error" | null;
  readonly isFinal: boolean;
}

/** Uploaded files, and the files of batches, which are views over their finished lines. */
export function createFiles(sql: Sql): FileLedger {
  return {
    async createFile(file) {
      await sql.begin(async (transaction) => {
        await insertFile(transaction, file);
        await useContents(transaction, uuidOf("file", file.id), keysOf(file.content));
      });
    },
    async findFile(tenant, id) {
      const key = uuidOf("file", id);
      const [row] = await sql<FileRow[]>`
        ${uploaded(sql, tenant)} AND f.id = ${key} AND f.deleted_at IS NULL
        UNION ALL ${viewed(sql, tenant, "output")} AND b.output_file_id = ${key}
        UNION ALL ${viewed(sql, tenant, "error")} AND b.error_file_id = ${key}`;
      return row && fileOf(row);
    },
    async findInput(tenant, id) {
      const [row] = await sql<FileRow[]>`${uploaded(sql, tenant)} AND f.id = ${uuidOf("file", id)}`;
      return row && fileOf(row);
    },
    listFiles: (tenant, filter, page) => listFiles(sql, tenant, filter, page),
    deleteFile: (tenant, id, now) => deleteFile(sql, tenant, uuidOf("file", id), now),
  };
}

/** Inserts the row of an uploaded file. */
export async function insertFile(sql: Transaction, file: FileRecord): Promise<void> {
  const { content } = file;
  if (content.kind === "view") throw new TypeError("the files of a batch are not created: they are views");
  const [key, pieces] =
    content.kind === "stored" ? [content.key, null] : ["", sql.json(content.pieces.map(plainPiece))];
  await sql`
    INSERT INTO files (id, tenant_id, filename, purpose, bytes, created_at, expires_at, store_key, pieces)
    VALUES (${uuidOf("file", file.id)}, ${file.tenantId}, ${file.filename}, ${file.purpose}, ${file.bytes},
      ${file.createdAt}, ${file.expiresAt ?? null}, ${key}, ${pieces})`;
}

function plainPiece({ key, bytes }: FilePiece): { key: string; bytes: number } {
  return { key, bytes };
}

/** A view goes out of sight; the lines stay with their jobs. */
async function deleteFile(sql: Sql, tenant: TenantId, id: string, now: number): Promise<boolean> {
  const rows = await sql`
    WITH uploaded AS (
      UPDATE files SET deleted_at = ${now} WHERE id = ${id} AND tenant_id = ${tenant} AND deleted_at IS NULL
        AND (expires_at IS NULL OR expires_at > ${now}) RETURNING id
    ),
    viewed AS (
      UPDATE batches SET
        output_file_deleted_at = CASE WHEN output_file_id = ${id} THEN ${now} ELSE output_file_deleted_at END,
        error_file_deleted_at = CASE WHEN error_file_id = ${id} THEN ${now} ELSE error_file_deleted_at END
      WHERE id IN (
        ${viewOf(sql, tenant, "output")} AND b.output_file_id = ${id}
        UNION ALL ${viewOf(sql, tenant, "error")} AND b.error_file_id = ${id}
      ) AND coalesce(finalizing_at + output_life_seconds * interval '1 second' > ${now}, true)
      RETURNING id
    )
    SELECT id FROM uploaded UNION ALL SELECT id FROM viewed`;
  return rows.length > 0;
}

async function listFiles(
  sql: Sql,
  tenant: TenantId,
  { purpose, liveAt }: FileFilter,
  page: Page,
): Promise<FileDetails[]> {
  const { after, limit, order } = page;
  const cursor =
    after === undefined ? sql`` : sql`AND id ${order === "asc" ? sql`>` : sql`<`} ${uuidOf("file", after)}`;
  const unexpired = liveAt === undefined ? sql`` : sql`AND (expires_at IS NULL OR expires_at > ${liveAt})`;
  const rows = await sql<DetailsRow[]>`
    SELECT id, tenant_id, filename, purpose, bytes, created_at, expires_at FROM (
      ${uploaded(sql, tenant)} AND f.deleted_at IS NULL
      UNION ALL ${viewed(sql, tenant, "output")}
      UNION ALL ${viewed(sql, tenant, "error")}
    ) AS all_files
    WHERE true ${cursor} ${unexpired} ${purpose === undefined ? sql`` : sql`AND purpose = ${purpose}`}
    ORDER BY id ${order === "asc" ? sql`ASC` : sql`DESC`} LIMIT ${limit}`;
  return rows.map(detailsOf);
}

function uploaded(sql: Sql, tenant: TenantId) {
  return sql`
    SELECT f.id, f.tenant_id, f.filename, f.purpose, f.bytes, f.created_at, f.expires_at, f.store_key,
      f.pieces, NULL::uuid AS batch_id, NULL AS side, false AS is_final
    FROM files f WHERE f.tenant_id = ${tenant}`;
}

/**
 * One side of each batch that has at least one line there; a redrive can take the last one away. While the batch runs the
 * file is dated like the batch, and from then on by its end, from which its life counts.
 */
function viewed(sql: Sql, tenant: TenantId, side: "output" | "error") {
  const [id, bytes, filename] = [`${side}_file_id`, `${side}_bytes`, `_${side}.jsonl`];
  return sql`
    SELECT b.${sql(id)} AS id, b.tenant_id, 'batch_' || b.id || ${filename}::text, 'batch_output', n.bytes,
      coalesce(b.finalizing_at, b.created_at), b.finalizing_at + b.output_life_seconds * interval '1 second', NULL,
      NULL::jsonb, b.id, ${side}::text,
      b.status IN ('failed', 'completed', 'expired', 'cancelled')
    ${sourceOfView(sql, tenant, { side, bytes })}`;
}

function viewOf(sql: Sql, tenant: TenantId, side: "output" | "error") {
  return sql`SELECT b.id ${sourceOfView(sql, tenant, { side, bytes: `${side}_bytes` })}`;
}

function sourceOfView(
  sql: Sql,
  tenant: TenantId,
  { side, bytes }: { readonly side: string; readonly bytes: string },
) {
  return sql`
    FROM batches b CROSS JOIN LATERAL (
      SELECT sum(c.${sql(bytes)})::bigint AS bytes FROM batch_counts c WHERE c.batch_id = b.id
    ) n
    WHERE b.tenant_id = ${tenant} AND b.dialect = 'openai' AND n.bytes > 0 AND b.${sql(`${side}_file_deleted_at`)} IS NULL`;
}

function fileOf(row: FileRow): FileRecord {
  return { ...detailsOf(row), content: contentOf(row) };
}

function detailsOf(row: DetailsRow): FileDetails {
  const id: FileId = idFromUuid("file", row.id);
  return {
    id,
    tenantId: row.tenantId as TenantId,
    filename: row.filename,
    purpose: row.purpose,
    bytes: row.bytes,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt ?? undefined,
  };
}

function contentOf({ batchId, side, storeKey, pieces, isFinal }: FileRow): FileRecord["content"] {
  if (pieces !== null) return { kind: "pieces", pieces };
  if (batchId === null || side === null) return { kind: "stored", key: storeKey ?? "" };
  const view: BatchId = idFromUuid("batch", batchId);
  return { kind: "view", batchId: view, side, isFinal };
}
