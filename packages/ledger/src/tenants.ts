import type { ApiKeyOwner, KeyRole, TenantId, TenantLedger } from "@sluice/domain";
import type { Sql } from "./client.ts";
import { createWebhookSecrets } from "./webhook-secrets.ts";

/** Tenants, their API keys and webhook secrets. */
export function createTenants(sql: Sql): TenantLedger {
  return {
    ...createWebhookSecrets(sql),
    async ensureTenant(id, now) {
      await sql`INSERT INTO tenants (id, created_at) VALUES (${id}, ${now}) ON CONFLICT (id) DO NOTHING`;
    },
    async ensureKey({ id, tenantId, role, hash, hint, name, now }) {
      await sql`
        INSERT INTO api_keys (id, tenant_id, role, hash, hint, name, created_at)
        VALUES (${id}, ${tenantId}, ${role}, ${hash}, ${hint}, ${name}, ${now})
        ON CONFLICT (hash) DO NOTHING`;
    },
    async findKey(hash): Promise<ApiKeyOwner | undefined> {
      const [row] = await sql<{ id: string; tenantId: string; role: KeyRole; usdPerDay: number | null }[]>`
        SELECT id, tenant_id, role, usd_per_day FROM api_keys WHERE hash = ${hash}`;
      if (row === undefined) return undefined;
      const { id: keyId, tenantId, role, usdPerDay } = row;
      return { keyId, tenantId: tenantId as TenantId, role, usdPerDay: usdPerDay ?? undefined };
    },
  };
}
