import {
  type BatchId,
  type FileId,
  type FileLedger,
  type FileRecord,
  idFromUuid,
  type Page,
  type TenantId,
  uuidOf,
} from "@sluice/domain";
import type { Sql } from "./client.ts";

interface FileRow {
  readonly id: string;
  readonly tenantId: string;
  readonly filename: string;
  readonly purpose: string;
  readonly bytes: number;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly storeKey: string | null;
  readonly batchId: string | null;
  readonly side: "output" | "error" | null;
}

/** Uploaded files, and the files of batches, which are views over their finished lines. */
export function createFiles(sql: Sql): FileLedger {
  return {
    async createFile(file) {
      if (file.content.kind === "view")
        throw new TypeError("the files of a batch are not created: they are views");
      await sql`
        INSERT INTO files (id, tenant_id, filename, purpose, bytes, created_at, expires_at, store_key)
        VALUES (${uuidOf("file", file.id)}, ${file.tenantId}, ${file.filename}, ${file.purpose}, ${file.bytes},
          ${file.createdAt}, ${file.expiresAt ?? null}, ${file.content.key})`;
    },
    async findFile(tenant, id) {
      const key = uuidOf("file", id);
      const [row] = await sql<FileRow[]>`
        ${uploaded(sql, tenant)} AND f.id = ${key}
        UNION ALL ${viewed(sql, tenant, "output")} AND b.output_file_id = ${key}
        UNION ALL ${viewed(sql, tenant, "error")} AND b.error_file_id = ${key}`;
      return row && fileOf(row);
    },
    listFiles: (tenant, filter, page) => listFiles(sql, tenant, filter, page),
  };
}

async function listFiles(sql: Sql, tenant: TenantId, { purpose }: { readonly purpose?: string }, page: Page) {
  const { after, limit, order } = page;
  const cursor =
    after === undefined ? sql`` : sql`AND id ${order === "asc" ? sql`>` : sql`<`} ${uuidOf("file", after)}`;
  const rows = await sql<FileRow[]>`
    SELECT * FROM (
      ${uploaded(sql, tenant)}
      UNION ALL ${viewed(sql, tenant, "output")}
      UNION ALL ${viewed(sql, tenant, "error")}
    ) AS all_files
    WHERE true ${cursor} ${purpose === undefined ? sql`` : sql`AND purpose = ${purpose}`}
    ORDER BY id ${order === "asc" ? sql`ASC` : sql`DESC`} LIMIT ${limit}`;
  return rows.map(fileOf);
}

function uploaded(sql: Sql, tenant: TenantId) {
  return sql`
    SELECT f.id, f.tenant_id, f.filename, f.purpose, f.bytes, f.created_at, f.expires_at, f.store_key,
      NULL::uuid AS batch_id, NULL AS side
    FROM files f WHERE f.tenant_id = ${tenant}`;
}

/** One side of each batch that has at least one line there; a redrive can take the last one away. */
function viewed(sql: Sql, tenant: TenantId, side: "output" | "error") {
  const [id, bytes, filename] = [`${side}_file_id`, `${side}_bytes`, `_${side}.jsonl`];
  return sql`
    SELECT b.${sql(id)} AS id, b.tenant_id, 'batch_' || b.id || ${filename}::text, 'batch_output', n.bytes,
      b.created_at, NULL::timestamptz, NULL, b.id, ${side}::text
    FROM batches b CROSS JOIN LATERAL (
      SELECT sum(c.${sql(bytes)})::bigint AS bytes FROM batch_counts c WHERE c.batch_id = b.id
    ) n
    WHERE b.tenant_id = ${tenant} AND n.bytes > 0`;
}

function fileOf(row: FileRow): FileRecord {
  const id: FileId = idFromUuid("file", row.id);
  return {
    id,
    tenantId: row.tenantId as TenantId,
    filename: row.filename,
    purpose: row.purpose,
    bytes: row.bytes,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt ?? undefined,
    content: contentOf(row),
  };
}

function contentOf({ batchId, side, storeKey }: FileRow): FileRecord["content"] {
  if (batchId === null || side === null) return { kind: "stored", key: storeKey ?? "" };
  const view: BatchId = idFromUuid("batch", batchId);
  return { kind: "view", batchId: view, side };
}
