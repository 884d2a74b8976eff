import {
  type DeliveryAttempt,
  type DeliveryId,
  type DeliveryStep,
  failingReceiverRules,
  type ReceiverEffect,
  uuidOf,
} from "@sluice/domain";
import type { Sql } from "./client.ts";
import { disableEndpoint, giveUpOld } from "./disable-endpoint.ts";

interface FailureRow {
  readonly tenantId: string;
  readonly receiver: string;
  readonly endpointId: string | null;
  readonly failingSince: number;
}

/**
 * Records an attempt. A success forgets the receiver's failures; a failure adds one, and may hold its deliveries back
 * or disable it. A process that was overtaken (its claim ran out) changes nothing, unless it brings the success.
 */
export async function recordDelivery(
  sql: Sql,
  attempt: DeliveryAttempt,
  next: DeliveryStep,
): Promise<ReceiverEffect> {
  const id = uuidOf("delivery", attempt.deliveryId);
  const state = next.kind === "retry" ? "pending" : next.kind;
  const { opensAfter, firstHoldMs, longestHoldMs } = failingReceiverRules;
  const [failure] = await sql<FailureRow[]>`
    WITH recorded AS (
      INSERT INTO delivery_attempts (delivery_id, number, at, latency_ms, status_code, reason, response_snippet)
      VALUES (${id}, ${attempt.number}, ${attempt.at}, ${attempt.latencyMs}, ${attempt.statusCode ?? null},
        ${attempt.reason ?? null}, ${storable(attempt.responseSnippet)})
      ON CONFLICT (delivery_id, number) DO NOTHING
    ),
    moved AS (
      UPDATE deliveries SET state = ${state}, attempts = greatest(attempts, ${attempt.number}), claimed_until = NULL,
        next_attempt_at = ${next.kind === "retry" ? next.at : attempt.at}
      WHERE id = ${id} AND state = 'pending' AND (attempts = ${attempt.number - 1} OR ${state} = 'succeeded')
      RETURNING tenant_id, receiver, endpoint_id, test
    ),
    healed AS (
      DELETE FROM failing_receivers f USING moved m
      WHERE ${state} = 'succeeded' AND f.tenant_id = m.tenant_id AND f.receiver = m.receiver
    ),
    failed AS (
      INSERT INTO failing_receivers AS f (tenant_id, receiver, failures, failing_since)
      SELECT tenant_id, receiver, 1, ${attempt.at}::timestamptz FROM moved WHERE ${state} <> 'succeeded' AND NOT test
      ON CONFLICT (tenant_id, receiver) DO UPDATE SET failures = f.failures + 1,
        retry_at = CASE WHEN f.failures + 1 >= ${opensAfter} THEN ${attempt.at}::timestamptz + interval '1 millisecond'
          * least(${longestHoldMs}, ${firstHoldMs} * 2.0 ^ least(f.failures + 1 - ${opensAfter}, 20)) END
      RETURNING f.tenant_id, f.receiver, f.failing_since
    )
    SELECT f.tenant_id, f.receiver, f.failing_since, m.endpoint_id FROM failed f CROSS JOIN moved m`;
  return failure === undefined ? { kind: "none" } : judgeReceiver(sql, attempt, failure);
}

/** In a statement of its own: it happens once in days, and when a crash leaves it out the next failure brings it. */
async function judgeReceiver(
  sql: Sql,
  attempt: DeliveryAttempt,
  failure: FailureRow,
): Promise<ReceiverEffect> {
  const failsForDays = attempt.at - failure.failingSince >= failingReceiverRules.disablesAfterMs;
  if (failure.endpointId === null) {
    if (failsForDays) await giveUpOld(sql, failure, attempt.at - failingReceiverRules.disablesAfterMs);
    return { kind: "none" };
  }
  if (!failsForDays && attempt.statusCode !== 410) return { kind: "none" };
  const reason = attempt.statusCode === 410 ? "gone" : "failing";
  const deliveryIds: DeliveryId[] | undefined = await disableEndpoint(sql, {
    endpointId: failure.endpointId,
    reason,
    now: attempt.at,
  });
  return deliveryIds === undefined ? { kind: "none" } : { kind: "disabled", deliveryIds };
}

/** PostgreSQL's text holds every character but NUL, and a receiver may answer anything. */
function storable(snippet: string | undefined): string | null {
  return snippet?.replaceAll("\0", "\uFFFD") ?? null;
}
