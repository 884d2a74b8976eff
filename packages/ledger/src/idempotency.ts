import {
  type AcceptResult,
  type IdempotencyClaim,
  type IdempotencyKey,
  keysCountMs,
  type TenantId,
  triesWithinMs,
} from "@sluice/domain";
import type { Sql } from "./client.ts";
import { type Column, unnest } from "./columns.ts";
import { leaderFence } from "./leadership.ts";

/** A key with the job or batch that its call would make. */
export interface Claim extends IdempotencyClaim {
  readonly tenantId: string;
  readonly claimId: string;
  readonly createdAt: number;
  /** Calls that it stands for: this one, and those of the same statement that repeat it. */
  readonly callers: number;
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
  { name: "replaces_before", type: "timestamptz", value: (claim) => repeatsSince(claim, claim.createdAt) },
  { name: "callers", type: "int4", value: (claim) => claim.callers },
  { name: "expires_at", type: "timestamptz", value: (claim) => claim.createdAt + countsMs(claim) },
];

function countsMs({ tryOfCall }: IdempotencyKey): number {
  return tryOfCall === undefined ? keysCountMs : triesWithinMs;
}

/** The earliest claim that a call repeats. A first try repeats none: it looks ahead, further than clocks can differ. */
function repeatsSince(key: IdempotencyKey, now: number): number {
  return key.tryOfCall === "first" ? now + keysCountMs : now - countsMs(key);
}

const names = claimColumns.map(({ name }) => name);
const replaced = names.slice(3);

/**
 * Two CTEs that claim keys and read back whose they are: of `claimed`, `wanted_by` is the claim made here and
 * `claim_id` the one that stands. A claim that is too old counts as absent. The conflict is always "updated", if only
 * by its own values: that locks the row and returns it also when another transaction has committed it after this
 * statement began, which a SELECT beside ON CONFLICT DO NOTHING would not see. Parameters are numbered from `first`.
 */
export function claimSql(first: number): string {
  const values = replaced.map((name) => {
    const kept = name === "callers" ? "k.callers + EXCLUDED.callers" : `k.${name}`;
    return `${name} = CASE WHEN k.created_at < EXCLUDED.replaces_before THEN EXCLUDED.${name} ELSE ${kept} END`;
  });
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

/** What a call with this key is told by the claim that it repeats; it counts as one of its callers. */
export async function findClaim(
  sql: Sql,
  tenant: TenantId,
  { now, ...idempotency }: IdempotencyKey & { readonly now: number },
): Promise<AcceptResult | undefined> {
  const { route, key, bodySha256 } = idempotency;
  const [claim] = await sql<Omit<ClaimAnswer, "claimId">[]>`
    UPDATE idempotency_keys SET callers = callers + 1
    WHERE tenant_id = ${tenant} AND route = ${route} AND key = ${key}
      AND created_at >= ${repeatsSince(idempotency, now)}::timestamptz
    RETURNING body_sha256, status, body`;
  return claim && answerOf(claim, bodySha256);
}

/** Deletes claims whose time is over; answers how many. */
export async function forgetClaims(
  sql: Sql,
  { leaderEpoch, now, limit }: { leaderEpoch: number; now: number; limit: number },
): Promise<number> {
  const gone = await sql.unsafe(
    `WITH leader AS (${leaderFence("$1::bigint")}),
    due AS (
      SELECT tenant_id, route, key FROM idempotency_keys
      WHERE expires_at <= $2::timestamptz AND EXISTS (SELECT FROM leader)
      ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM idempotency_keys k USING due d
    WHERE (k.tenant_id, k.route, k.key) = (d.tenant_id, d.route, d.key) RETURNING 1`,
    [leaderEpoch, new Date(now).toISOString(), limit],
  );
  return gone.length;
}
