import { type DeliveryId, type EventIds, jobFailureCodes, type LeavingCall, uuidOf } from "@sluice/domain";
import type { Sql } from "./client.ts";
import { endUnfinished } from "./end-unfinished.ts";

interface Leaving {
  readonly call: LeavingCall;
  readonly now: number;
  readonly ids: EventIds;
}

const failure = { code: "caller_gone", message: jobFailureCodes.caller_gone } as const;

/**
 * One call fewer wants the job. The last one before the first attempt takes the job and its key with it; the key is
 * locked meanwhile, so that no other joins what ends. When the key is an equal call's by now, nobody can have joined.
 */
export async function leaveJob(
  sql: Sql,
  { call, now, ids }: Leaving,
): Promise<{ readonly deliveryIds: readonly DeliveryId[] } | undefined> {
  const { tenantId, jobId, key } = call;
  const id = uuidOf("job", jobId);
  return sql.begin(async (transaction) => {
    const isClaim = transaction`
      tenant_id = ${tenantId} AND route = ${key.route} AND key = ${key.key} AND claim_id = ${id}`;
    const [claim] = await transaction<{ callers: number }[]>`
      UPDATE idempotency_keys SET callers = callers - 1 WHERE ${isClaim} RETURNING callers`;
    if (claim !== undefined && claim.callers > 0) return undefined;
    const [unstarted] = await transaction`
      SELECT id FROM live_jobs WHERE id = ${id} AND epoch = 0 FOR UPDATE`;
    if (unstarted === undefined) return undefined;
    await transaction`DELETE FROM idempotency_keys WHERE ${isClaim}`;
    const cancelled = { jobId, from: "live", line: undefined, state: "cancelled", failure } as const;
    const ending = { now, newIds: () => ids, lineBytesOf: () => 0 };
    const [ended] = await endUnfinished(transaction, [cancelled], ending);
    return ended;
  });
}
