import type { Page, StoredTenant, TenantConfig, TenantId, TenantLedger, TenantUse } from "@sluice/domain";
import { accessVersion, changeAccess } from "./access-version.ts";
import { createApiKeys } from "./api-keys.ts";
import type { Sql, Transaction } from "./client.ts";
import { createWebhookSecrets } from "./webhook-secrets.ts";

/** Tenants, their API keys and webhook secrets. */
export function createTenants(sql: Sql): TenantLedger {
  return {
    ...createWebhookSecrets(sql),
    ...createApiKeys(sql),
    async ensureTenant(id, now) {
      await sql`INSERT INTO tenants (id, created_at) VALUES (${id}, ${now}) ON CONFLICT (id) DO NOTHING`;
    },
    accessVersion: () => accessVersion(sql),
    async madeTenants() {
      const rows = await sql<
        TenantRow[]
      >`SELECT ${sql.unsafe(columns)} FROM tenants WHERE settings IS NOT NULL`;
      return rows.map(tenantOf);
    },
    async findTenant(id) {
      const [row] = await sql<TenantRow[]>`SELECT ${sql.unsafe(columns)} FROM tenants WHERE id = ${id}`;
      return row && tenantOf(row);
    },
    listTenants: (page) => listTenants(sql, page),
    createTenant: (id, settings, now) =>
      sql.begin((transaction) => createTenant(transaction, { id, settings, now })),
    changeTenant: (id, change, now) =>
      sql.begin((transaction) => changeTenant(transaction, { id, change, now })),
    tenantUse: (id, since, now) => tenantUse(sql, { id, since, now }),
  };
}

interface TenantRow {
  readonly id: TenantId;
  readonly settings: TenantConfig | null;
  readonly createdAt: number;
  readonly updatedAt: number | null;
  readonly disabledAt: number | null;
}

const columns = "id, settings, created_at, updated_at, disabled_at";

function tenantOf({ id, settings, createdAt, updatedAt, disabledAt }: TenantRow): StoredTenant {
  return {
    id,
    settings: settings ?? undefined,
    createdAt,
    updatedAt: updatedAt ?? undefined,
    disabledAt: disabledAt ?? undefined,
  };
}

/** By the bytes of the name, as JavaScript compares. */
async function listTenants(sql: Sql, { after, order, limit }: Page): Promise<StoredTenant[]> {
  const comparison = order === "asc" ? sql`>` : sql`<`;
  const rows = await sql<TenantRow[]>`
    SELECT ${sql.unsafe(columns)} FROM tenants
      ${after === undefined ? sql`` : sql`WHERE id COLLATE "C" ${comparison} ${after}`}
    ORDER BY id COLLATE "C" ${order === "asc" ? sql`ASC` : sql`DESC`} LIMIT ${limit}`;
  return rows.map(tenantOf);
}

async function createTenant(
  transaction: Transaction,
  { id, settings, now }: { readonly id: TenantId; readonly settings: TenantConfig; readonly now: number },
): Promise<boolean> {
  const made = await transaction`
    INSERT INTO tenants (id, created_at, updated_at, settings)
    VALUES (${id}, ${now}, ${now}, ${transaction.json({ ...settings })})
    ON CONFLICT (id) DO UPDATE SET settings = EXCLUDED.settings, updated_at = EXCLUDED.updated_at
      WHERE tenants.settings IS NULL
    RETURNING id`;
  if (made.length === 0) return false;
  await changeAccess(transaction);
  return true;
}

interface Change {
  readonly id: TenantId;
  readonly change: Parameters<TenantLedger["changeTenant"]>[1];
  readonly now: number;
}

async function changeTenant(
  transaction: Transaction,
  { id, change, now }: Change,
): Promise<StoredTenant | undefined> {
  const [row] = await transaction<TenantRow[]>`
    SELECT ${transaction.unsafe(columns)} FROM tenants WHERE id = ${id} FOR UPDATE`;
  if (row === undefined) return undefined;
  const before = tenantOf(row);
  const { settings, disabled } = change(before);
  const disabledAt = disabled ? (before.disabledAt ?? now) : undefined;
  await transaction`
    UPDATE tenants SET settings = ${transaction.json({ ...settings })}, updated_at = ${now},
      disabled_at = ${disabledAt ?? null} WHERE id = ${id}`;
  await changeAccess(transaction);
  return { ...before, settings, updatedAt: now, disabledAt };
}

async function tenantUse(
  sql: Sql,
  { id, since, now }: { readonly id: TenantId; readonly since: number; readonly now: number },
): Promise<TenantUse> {
  const [row] = await sql<TenantUse[]>`
    SELECT
      (SELECT coalesce(sum(coalesce(cost_usd, held_usd)), 0) FROM attempts
       WHERE tenant_id = ${id} AND started_at >= ${since}) AS usd,
      l.*,
      (SELECT count(*) FROM api_keys
       WHERE tenant_id = ${id} AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${now})) AS live_keys
    FROM (
      SELECT count(*) FILTER (WHERE state <> 'running') AS queued_jobs,
        coalesce(sum(tokens) FILTER (WHERE state <> 'running'), 0) AS queued_tokens,
        count(*) FILTER (WHERE state = 'running') AS running_jobs
      FROM live_jobs WHERE tenant_id = ${id}
    ) l`;
  if (row === undefined) throw new Error("the ledger gave no sums");
  return row;
}
