import {
  type SecretRotation,
  type TenantId,
  type TenantLedger,
  uuidOf,
  type WebhookEndpointId,
} from "@sluice/domain";
import type { Sql, Transaction } from "./client.ts";

/** A webhook's header has one signature for each secret that still signs. */
const mostSecrets = 5;

/** What signs webhooks to the urls of a tenant's jobs and batches. */
export function createWebhookSecrets(sql: Sql): Pick<TenantLedger, "webhookSecrets" | "rotateWebhookSecret"> {
  return {
    async webhookSecrets(tenant, create, now) {
      const found = await secretsOf(sql, tenant, now);
      if (found.length > 0) return found;
      await sql`
        INSERT INTO webhook_secrets (tenant_id, version, secret, created_at) VALUES (${tenant}, 1, ${create()}, ${now})
        ON CONFLICT (tenant_id, version) DO NOTHING`;
      return secretsOf(sql, tenant, now);
    },
    rotateWebhookSecret: (tenant, rotation) =>
      sql.begin(async (transaction) => {
        await transaction`SELECT pg_advisory_xact_lock(hashtext('sluice.webhook_secrets'), hashtext(${tenant}))`;
        return rotate(transaction, { table: "webhook_secrets", owner: "tenant_id", id: tenant }, rotation);
      }),
  };
}

async function secretsOf(sql: Sql, tenant: TenantId, now: number): Promise<string[]> {
  const rows = await sql<{ secret: string }[]>`
    SELECT secret FROM webhook_secrets
    WHERE tenant_id = ${tenant} AND (expires_at IS NULL OR expires_at > ${now}) ORDER BY version DESC`;
  return rows.map(({ secret }) => secret);
}

interface EndpointRotation {
  readonly tenant: TenantId;
  readonly id: WebhookEndpointId;
  readonly rotation: SecretRotation;
}

/** Makes a secret the newest of an endpoint; `undefined` when there is no such endpoint. */
export async function rotateEndpointSecret(
  sql: Sql,
  { tenant, id, rotation }: EndpointRotation,
): Promise<"rotated" | "refused" | undefined> {
  const uuid = uuidOf("webhookEndpoint", id);
  return sql.begin(async (transaction) => {
    const [found] = await transaction`
      SELECT id FROM webhook_endpoints WHERE tenant_id = ${tenant} AND id = ${uuid} FOR UPDATE`;
    if (found === undefined) return undefined;
    const place = { table: "webhook_endpoint_secrets", owner: "endpoint_id", id: uuid } as const;
    if (!(await rotate(transaction, place, rotation))) return "refused";
    await transaction`UPDATE webhook_endpoints SET updated_at = ${rotation.now} WHERE id = ${uuid}`;
    return "rotated";
  });
}

interface Place {
  readonly table: "webhook_secrets" | "webhook_endpoint_secrets";
  readonly owner: "tenant_id" | "endpoint_id";
  readonly id: string;
}

/** The caller holds a lock on the owner, so that no version is given twice. */
async function rotate(
  sql: Transaction,
  { table, owner, id }: Place,
  { secret, now, oldUntil }: SecretRotation,
): Promise<boolean> {
  const [held] = await sql<{ signing: number }[]>`
    SELECT count(*) AS signing FROM ${sql(table)}
    WHERE ${sql(owner)} = ${id} AND (expires_at IS NULL OR expires_at > ${now})`;
  if (oldUntil > now && (held?.signing ?? 0) >= mostSecrets) return false;
  await sql`
    UPDATE ${sql(table)} SET expires_at = least(expires_at, ${oldUntil}::timestamptz)
    WHERE ${sql(owner)} = ${id} AND (expires_at IS NULL OR expires_at > ${oldUntil})`;
  await sql`
    INSERT INTO ${sql(table)} (${sql(owner)}, version, secret, created_at)
    SELECT ${id}, coalesce(max(version), 0) + 1, ${secret}::text, ${now}::timestamptz FROM ${sql(table)} WHERE ${sql(owner)} = ${id}`;
  return true;
}
