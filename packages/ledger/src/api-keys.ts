import type {
  ApiKey,
  ApiKeyId,
  ApiKeyOwner,
  KeyChange,
  KeyRole,
  Page,
  TenantId,
  TenantLedger,
} from "@sluice/domain";
import { changeAccess } from "./access-version.ts";
import type { Sql, Transaction } from "./client.ts";

type Keys = Pick<
  TenantLedger,
  | "ensureKey"
  | "findKey"
  | "createKey"
  | "findApiKey"
  | "listKeys"
  | "changeKey"
  | "revokeKey"
  | "rotateKey"
  | "recordKeyUse"
>;

/** API keys: only hashes of their secrets are kept. */
export function createApiKeys(sql: Sql): Keys {
  return {
    async ensureKey({ id, tenantId, role, hash, hint, name, now }) {
      await sql`
        INSERT INTO api_keys (id, tenant_id, role, hash, hint, name, created_at)
        SELECT ${id}, ${tenantId}, ${role}, ${hash}::bytea, ${hint}, ${name}, ${now}::timestamptz
        WHERE NOT EXISTS (SELECT FROM earlier_key_hashes WHERE hash = ${hash})
        ON CONFLICT (hash) DO NOTHING`;
    },
    findKey: (hash) => findKey(sql, hash),
    async createKey({ id, tenantId, role, hash, hint, name, now, usdPerDay, expiresAt }) {
      await sql`
        INSERT INTO api_keys (id, tenant_id, role, hash, hint, name, created_at, usd_per_day, expires_at)
        VALUES (${id}, ${tenantId}, ${role}, ${hash}, ${hint}, ${name}, ${now}, ${usdPerDay ?? null}, ${expiresAt ?? null})`;
    },
    findApiKey: (tenant, id) => findApiKey(sql, tenant, id),
    listKeys: (tenant, page) => listKeys(sql, tenant, page),
    changeKey: (tenant, id, change) =>
      sql.begin((transaction) => changeKey(transaction, { tenant, id, change })),
    revokeKey: (tenant, id, now) => sql.begin((transaction) => revokeKey(transaction, { tenant, id, now })),
    rotateKey: (tenant, id, rotation) =>
      sql.begin((transaction) => rotateKey(transaction, { tenant, id, rotation })),
    async recordKeyUse(uses) {
      await sql`
        UPDATE api_keys k SET last_used_at = u.at
        FROM jsonb_to_recordset(${sql.json([...uses].map(({ keyId, at }) => ({ id: keyId, at: new Date(at) })))})
          AS u (id text, at timestamptz)
        WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < u.at)`;
    },
  };
}

interface OwnerRow {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly role: KeyRole;
  readonly usdPerDay: number | null;
  readonly validUntil: number | null;
  readonly isRevoked: boolean;
}

async function findKey(sql: Sql, hash: Buffer): Promise<ApiKeyOwner | undefined> {
  const [row] = await sql<OwnerRow[]>`
    SELECT k.id, k.tenant_id, k.role, k.usd_per_day, least(k.expires_at, f.valid_until) AS valid_until,
      k.revoked_at IS NOT NULL AS is_revoked
    FROM (
      SELECT id, NULL::timestamptz AS valid_until FROM api_keys WHERE hash = ${hash}
      UNION ALL
      SELECT key_id, valid_until FROM earlier_key_hashes WHERE hash = ${hash}
    ) f JOIN api_keys k ON k.id = f.id LIMIT 1`;
  if (row === undefined) return undefined;
  const { id: keyId, usdPerDay, validUntil, ...rest } = row;
  return { keyId, ...rest, usdPerDay: usdPerDay ?? undefined, validUntil: validUntil ?? undefined };
}

type KeyRow = {
  readonly [Field in keyof ApiKey]: undefined extends ApiKey[Field]
    ? Exclude<ApiKey[Field], undefined> | null
    : ApiKey[Field];
};

const keyColumns =
  "id, tenant_id, role, name, hint, usd_per_day, created_at, last_used_at, rotated_at, expires_at, revoked_at";

function keyOf(row: KeyRow): ApiKey {
  return {
    ...row,
    usdPerDay: row.usdPerDay ?? undefined,
    lastUsedAt: row.lastUsedAt ?? undefined,
    rotatedAt: row.rotatedAt ?? undefined,
    expiresAt: row.expiresAt ?? undefined,
    revokedAt: row.revokedAt ?? undefined,
  };
}

async function findApiKey(
  sql: Sql | Transaction,
  tenant: TenantId,
  id: ApiKeyId,
): Promise<ApiKey | undefined> {
  const [row] = await sql<KeyRow[]>`
    SELECT ${sql.unsafe(keyColumns)} FROM api_keys WHERE tenant_id = ${tenant} AND id = ${id}`;
  return row && keyOf(row);
}

async function listKeys(sql: Sql, tenant: TenantId, { after, order, limit }: Page): Promise<ApiKey[]> {
  const comparison = order === "asc" ? sql`>` : sql`<`;
  const rows = await sql<KeyRow[]>`
    SELECT ${sql.unsafe(keyColumns)} FROM api_keys WHERE tenant_id = ${tenant}
      ${after === undefined ? sql`` : sql`AND id ${comparison} ${after}`}
    ORDER BY id ${order === "asc" ? sql`ASC` : sql`DESC`} LIMIT ${limit}`;
  return rows.map(keyOf);
}

interface OneKey {
  readonly tenant: TenantId;
  readonly id: ApiKeyId;
}

/** Two changes that count admin keys at once would both find another. */
async function lockKey(transaction: Transaction, { tenant, id }: OneKey): Promise<ApiKey | undefined> {
  await transaction`SELECT pg_advisory_xact_lock(hashtext('sluice.api_keys'))`;
  return findApiKey(transaction, tenant, id);
}

async function changeKey(
  transaction: Transaction,
  { tenant, id, change }: OneKey & { readonly change: KeyChange },
): Promise<ApiKey | undefined> {
  const key = await lockKey(transaction, { tenant, id });
  if (key === undefined) return undefined;
  const name = change.name ?? key.name;
  const usdPerDay = change.usdPerDay === undefined ? key.usdPerDay : (change.usdPerDay ?? undefined);
  await transaction`UPDATE api_keys SET name = ${name}, usd_per_day = ${usdPerDay ?? null} WHERE id = ${id}`;
  await changeAccess(transaction);
  return { ...key, name, usdPerDay };
}

async function revokeKey(
  transaction: Transaction,
  { tenant, id, now }: OneKey & { readonly now: number },
): Promise<ApiKey | "last-admin" | undefined> {
  const key = await lockKey(transaction, { tenant, id });
  if (key === undefined || key.revokedAt !== undefined) return key;
  if (key.role === "admin" && !(await hasOtherAdmin(transaction, id, now))) return "last-admin";
  await transaction`UPDATE api_keys SET revoked_at = ${now} WHERE id = ${id}`;
  await changeAccess(transaction);
  return { ...key, revokedAt: now };
}

/** Whether an admin key stays without this one. */
async function hasOtherAdmin(transaction: Transaction, id: ApiKeyId, now: number): Promise<boolean> {
  const rows = await transaction`
    SELECT k.id FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.role = 'admin' AND k.id <> ${id} AND k.revoked_at IS NULL AND t.disabled_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > ${now})
    LIMIT 1`;
  return rows.length > 0;
}

async function rotateKey(
  transaction: Transaction,
  { tenant, id, rotation }: OneKey & { readonly rotation: Parameters<TenantLedger["rotateKey"]>[2] },
): Promise<ApiKey | "ended" | undefined> {
  const { hash, hint, now, oldUntil } = rotation;
  const key = await lockKey(transaction, { tenant, id });
  if (key === undefined) return undefined;
  if (key.revokedAt !== undefined || (key.expiresAt !== undefined && key.expiresAt <= now)) return "ended";
  await transaction`
    UPDATE earlier_key_hashes SET valid_until = ${oldUntil} WHERE key_id = ${id} AND valid_until > ${oldUntil}`;
  await transaction`
    INSERT INTO earlier_key_hashes (hash, key_id, valid_until)
    SELECT hash, id, ${oldUntil}::timestamptz FROM api_keys WHERE id = ${id}`;
  await transaction`UPDATE api_keys SET hash = ${hash}, hint = ${hint}, rotated_at = ${now} WHERE id = ${id}`;
  await changeAccess(transaction);
  return { ...key, hint, rotatedAt: now };
}
