import {
  type FileRecord,
  idFromUuid,
  type TenantId,
  type Upload,
  type UploadId,
  type UploadLedger,
  type UploadPart,
  uuidOf,
} from "@sluice/domain";
import type { Sql } from "./client.ts";
import { keysOf, moment, releaseSql, useContents } from "./contents.ts";
import { insertFile } from "./files.ts";

/** Uploads in parts, from creation to their end. */
export function createUploads(sql: Sql): UploadLedger {
  return {
    async createUpload(upload) {
      await sql`
        INSERT INTO uploads (id, tenant_id, filename, purpose, mime_type, bytes, created_at, expires_at, file_life_ms)
        VALUES (${uuidOf("upload", upload.id)}, ${upload.tenantId}, ${upload.filename}, ${upload.purpose},
          ${upload.mimeType}, ${upload.bytes}, ${upload.createdAt}, ${upload.expiresAt}, ${upload.fileLifeMs ?? null})`;
    },
    findUpload: (tenant, id) => findUpload(sql, tenant, id),
    addPart: (part, now) => addPart(sql, part, now),
    listParts: (id) => listParts(sql, id),
    completeUpload: (id, file, parts, now) => completeUpload(sql, { id, file, parts, now }),
    async cancelUpload(id, now) {
      const ended = await sql.unsafe(
        `WITH ended AS (
          UPDATE uploads SET status = 'cancelled' WHERE id = $2 AND status = 'pending' AND expires_at > $1
          RETURNING id
        ),
        gone AS (DELETE FROM upload_parts p USING ended WHERE p.upload_id = ended.id RETURNING p.id),
        ${releaseSql}
        SELECT id FROM ended`,
        [moment(now), uuidOf("upload", id)],
      );
      return ended.length > 0;
    },
  };
}

interface UploadRow extends Omit<Upload, "id" | "tenantId" | "fileLifeMs" | "fileId" | "partIds"> {
  readonly id: string;
  readonly tenantId: string;
  readonly fileLifeMs: number | null;
  readonly fileId: string | null;
  readonly partIds: Upload["partIds"] | null;
}

async function findUpload(sql: Sql, tenant: TenantId, id: UploadId): Promise<Upload | undefined> {
  const [row] = await sql<UploadRow[]>`
    SELECT * FROM uploads WHERE id = ${uuidOf("upload", id)} AND tenant_id = ${tenant}`;
  return (
    row && {
      ...row,
      id,
      tenantId: tenant,
      fileLifeMs: row.fileLifeMs ?? undefined,
      fileId: row.fileId === null ? undefined : idFromUuid("file", row.fileId),
      partIds: row.partIds ?? [],
    }
  );
}

async function addPart(sql: Sql, part: UploadPart, now: number): Promise<boolean> {
  const id = uuidOf("uploadPart", part.id);
  return sql.begin(async (transaction) => {
    // Held in share mode: the upload cannot be completed, cancelled or expired between this look and the commit.
    const pending = await transaction`
      SELECT FROM uploads WHERE id = ${uuidOf("upload", part.uploadId)} AND status = 'pending' AND expires_at > ${now}
      FOR SHARE`;
    if (pending.length === 0) return false;
    await transaction`
      INSERT INTO upload_parts (id, upload_id, bytes, store_key, created_at)
      VALUES (${id}, ${uuidOf("upload", part.uploadId)}, ${part.bytes}, ${part.key}, ${part.createdAt})`;
    await useContents(transaction, id, [part.key]);
    return true;
  });
}

async function listParts(sql: Sql, id: UploadId): Promise<UploadPart[]> {
  const rows = await sql<{ id: string; bytes: number; storeKey: string; createdAt: number }[]>`
    SELECT id, bytes, store_key, created_at FROM upload_parts WHERE upload_id = ${uuidOf("upload", id)} ORDER BY id`;
  return rows.map((row) => ({
    id: idFromUuid("uploadPart", row.id),
    uploadId: id,
    bytes: row.bytes,
    key: row.storeKey,
    createdAt: row.createdAt,
  }));
}

interface Completion {
  readonly id: UploadId;
  readonly file: FileRecord;
  readonly parts: readonly UploadPart[];
  readonly now: number;
}

/** The file takes over what its parts used; those that are not in it are let go. */
async function completeUpload(sql: Sql, { id, file, parts, now }: Completion): Promise<boolean> {
  const key = uuidOf("upload", id);
  return sql.begin(async (transaction) => {
    const completed = await transaction`
      UPDATE uploads SET status = 'completed', file_id = ${uuidOf("file", file.id)},
        part_ids = ${transaction.json(parts.map((part) => part.id))}
      WHERE id = ${key} AND status = 'pending' AND expires_at > ${now} RETURNING id`;
    if (completed.length === 0) return false;
    await insertFile(transaction, file);
    await useContents(transaction, uuidOf("file", file.id), keysOf(file.content));
    await transaction.unsafe(
      `WITH gone AS (DELETE FROM upload_parts WHERE upload_id = $2 RETURNING id), ${releaseSql} SELECT FROM gone`,
      [moment(now), key],
    );
    return true;
  });
}
