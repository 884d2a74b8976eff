import type { ContentLedger, FileRecord } from "@sluice/domain";
import type { Sql, Transaction } from "./client.ts";
import { leaderFence } from "./leadership.ts";

/** The contents that a file or part uses, each once. */
export function keysOf(content: FileRecord["content"]): readonly string[] {
  switch (content.kind) {
    case "stored":
      return [content.key];
    case "pieces":
      return [...new Set(content.pieces.map((piece) => piece.key))];
    case "view":
      return [];
  }
}

/** Says that a file or part uses these contents. Fails when one of them is not there (any more). */
export async function useContents(sql: Sql | Transaction, userId: string, keys: readonly string[]) {
  await sql`
    INSERT INTO content_uses (user_id, store_key)
    SELECT ${userId}::uuid, k.key FROM jsonb_array_elements_text(${sql.json([...keys])}) AS k (key)`;
}

/** Claims of contents, and their end. */
export function createContents(sql: Sql): ContentLedger {
  return {
    async claimContent(key, until) {
      await sql`
        INSERT INTO contents AS c (store_key, check_at) VALUES (${key}, ${until})
        ON CONFLICT (store_key) DO UPDATE SET check_at = greatest(c.check_at, EXCLUDED.check_at)`;
    },
    async purgeFiles(leaderEpoch, now, limit) {
      const purge = { leaderEpoch, now, limit };
      return (await purgeUploads(sql, purge)) + (await purgeFiles(sql, purge));
    },
    async dropContents(now, limit, erase) {
      const due = await sql<{ storeKey: string }[]>`
        SELECT store_key FROM contents WHERE check_at <= ${now} ORDER BY check_at LIMIT ${limit}`;
      const failures: unknown[] = [];
      for (const { storeKey } of due)
        await dropOne(sql, { storeKey, now, erase }).catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
      return due.length;
    },
  };
}

interface Purge {
  readonly leaderEpoch: number;
  readonly now: number;
  readonly limit: number;
}

/** Ends uses of `gone` (ids of users) and has their contents looked at. Part of a statement. */
export const releaseSql = `
  released AS (DELETE FROM content_uses u USING gone WHERE u.user_id = gone.id RETURNING u.store_key),
  loose AS (
    UPDATE contents c SET check_at = greatest(c.check_at, $1::timestamptz)
    WHERE c.store_key IN (SELECT store_key FROM released)
  )`;

/**
 * A file that a batch has still to read stays until that is over. The results of a message batch none of whose lines
 * came into the ledger are told from its input.
 */
async function purgeFiles(sql: Sql, { leaderEpoch, now, limit }: Purge): Promise<number> {
  const gone = await sql.unsafe(
    `WITH leader AS (${leaderFence("$2::bigint")}),
    due AS (
      SELECT f.id FROM files f
      WHERE (f.deleted_at IS NOT NULL OR f.expires_at <= $1)
        AND NOT EXISTS (SELECT FROM batches b WHERE b.input_file_id = f.id AND b.status = 'validating')
        AND NOT EXISTS (SELECT FROM batches b WHERE b.input_file_id = f.id AND b.dialect = 'anthropic'
          AND b.in_progress_at IS NULL AND b.deleted_at IS NULL)
        AND EXISTS (SELECT FROM leader)
      LIMIT $3 FOR UPDATE OF f SKIP LOCKED
    ),
    gone AS (DELETE FROM files f USING due WHERE f.id = due.id RETURNING f.id),
    ${releaseSql}
    SELECT id FROM gone`,
    [moment(now), leaderEpoch, limit],
  );
  return gone.length;
}

/** How long an ended upload can be told from one that never was. */
const endedKeptMs = 24 * 3_600_000;

/** Forgets the parts of uploads whose time is over, and a day later the uploads. */
async function purgeUploads(sql: Sql, { leaderEpoch, now, limit }: Purge): Promise<number> {
  const expired = await sql.unsafe(
    `WITH leader AS (${leaderFence("$2::bigint")}),
    ended AS (
      UPDATE uploads SET status = 'expired'
      WHERE id IN (
        SELECT id FROM uploads WHERE expires_at <= $1 AND status = 'pending' LIMIT $3 FOR UPDATE SKIP LOCKED
      ) AND EXISTS (SELECT FROM leader)
      RETURNING id
    ),
    gone AS (DELETE FROM upload_parts p USING ended WHERE p.upload_id = ended.id RETURNING p.id),
    ${releaseSql}
    SELECT id FROM ended`,
    [moment(now), leaderEpoch, limit],
  );
  await sql.unsafe(
    `WITH leader AS (${leaderFence("$2::bigint")})
    DELETE FROM uploads WHERE expires_at <= $1 AND status <> 'pending' AND EXISTS (SELECT FROM leader)`,
    [moment(now - endedKeptMs), leaderEpoch],
  );
  return expired.length;
}

/** For statements of `sql.unsafe`, whose parameters are not converted. */
export function moment(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

interface Drop {
  readonly storeKey: string;
  readonly now: number;
  readonly erase: (key: string) => Promise<void>;
}

/**
 * The row is held until the bytes are gone: a new use waits for it and then finds nothing. That is all the fence there
 * is: the leader's would hold the lease, and a store that hangs would keep the leadership from going on.
 */
async function dropOne(sql: Sql, { storeKey, now, erase }: Drop): Promise<void> {
  await sql.begin(async (transaction) => {
    const held = await transaction`
      SELECT FROM contents WHERE store_key = ${storeKey} AND check_at <= ${now} FOR UPDATE SKIP LOCKED`;
    if (held.length === 0) return;
    const uses = await transaction`SELECT FROM content_uses WHERE store_key = ${storeKey} LIMIT 1`;
    if (uses.length > 0) {
      await transaction`UPDATE contents SET check_at = NULL WHERE store_key = ${storeKey}`;
      return;
    }
    await erase(storeKey);
    await transaction`DELETE FROM contents WHERE store_key = ${storeKey}`;
  });
}
