import type { AcceptResult, IdempotencyClaim, IdempotencyKey, TenantId } from "@sluice/domain";
import type { Sql } from "./client.ts";
import { type Column, unnest } from "./columns.ts";

/** A key with the job or batch that its call would make. */
export interface Claim extends IdempotencyClaim {
  readonly tenantId: string;
  readonly claimId: string;
  readonly createdAt: number;
}

/** A key as it stands after the statement; `claimId` says whose it is. */
export interface ClaimAnswer {
  readonly claimId: string;
  readonly bodySha256: Buffer;
  readonly status: number;
  readonly body: string;
}

/** The columns of `idempotency_keys`. */
export const claimColumns: readonly Column<Claim>[] = [
  { name: "tenant_id", type: "text", value: (claim) => claim.tenantId },
  { name: "route", type: "text", value: (claim) => claim.route },
  { name: "key", type: "text", value: (claim) => claim.key },
  { name: "claim_id", type: "uuid", value: (claim) => claim.claimId },
  { name: "body_sha256", type: "bytea", value: (claim) => claim.bodySha256 },
  { name: "status", type: "int4", value: (claim) => claim.response.status },
  { name: "body", type: "text", value: (claim) => claim.response.body },
  { name: "created_at", type: "timestamptz", value: (claim) => claim.createdAt },
];

const names = claimColumns.map(({ name }) => name);
const replaced = names.slice(3);

/**
 * Two CTEs that claim keys and read back whose they are: of `claimed`, `wanted_by` is the claim made here and
 * `claim_id` the one that stands. A key older than 24 h counts as absent. The conflict is always "updated", if only
 * by its own values: that locks the row and returns it also when another transaction has committed it after this
 * statement began, which a SELECT beside ON CONFLICT DO NOTHING would not see. Parameters are numbered from `first`.
 */
export function claimSql(first: number): string {
  const values = replaced.map(
    (name) => `${name} = CASE WHEN k.created_at < EXCLUDED.created_at - interval '24 hours'
      THEN EXCLUDED.${name} ELSE k.${name} END`,
  );
  return `kept AS (
    INSERT INTO idempotency_keys AS k (${names.join(", ")})
    SELECT ${names.join(", ")} FROM ${unnest(claimColumns, "c", first)}
    ON CONFLICT (tenant_id, route, key) DO UPDATE SET ${values.join(", ")}
    RETURNING k.*
  ),
  claimed AS (
    SELECT w.claim_id AS wanted_by, k.claim_id, k.body_sha256, k.status, k.body
    FROM ${unnest(claimColumns, "w", first)} JOIN kept k USING (tenant_id, route, key)
  )`;
}

/** What a call with a claimed key is told. */
export function answerOf(
  answer: Omit<ClaimAnswer, "claimId">,
  bodySha256: Buffer,
): Exclude<AcceptResult, { kind: "accepted" }> {
  if (!answer.bodySha256.equals(bodySha256)) return { kind: "key-reused" };
  return { kind: "replayed", status: answer.status, body: answer.body };
}

/** What a call with this key would be told by a claim that was committed within the last 24 h. */
export async function findClaim(
  sql: Sql,
  tenant: TenantId,
  { route, key, bodySha256, now }: IdempotencyKey & { readonly now: number },
): Promise<AcceptResult | undefined> {
  const [claim] = await sql<Omit<ClaimAnswer, "claimId">[]>`
    SELECT body_sha256, status, body FROM idempotency_keys
    WHERE tenant_id = ${tenant} AND route = ${route} AND key = ${key}
      AND created_at >= ${now}::timestamptz - interval '24 hours'`;
  return claim && answerOf(claim, bodySha256);
}
