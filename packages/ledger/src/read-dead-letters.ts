import {
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type FailedCalls,
  idFromUuid,
  type Page,
  type RoutingWishes,
  type TenantId,
  uuidOf,
} from "@sluice/domain";
import type { Sql, Transaction } from "./client.ts";
import { uuids } from "./columns.ts";
import { type LineRow, lineOf } from "./line-rows.ts";

interface DeadLetterRow extends LineRow {
  readonly tenantId: string;
  readonly model: string;
  readonly endpoint: string;
  readonly sla: string;
  readonly priority: number;
  readonly inputTokens: number;
  readonly maxOutputTokens: number | null;
  readonly capabilities: readonly string[];
  readonly routing: RoutingWishes;
  readonly keyId: string | null;
  readonly acceptedAt: number;
  readonly finishedAt: number;
  readonly attempts: number;
  readonly targetId: string | null;
  readonly failureCode: string;
  readonly failureMessage: string;
  readonly cause: string;
  readonly calls: readonly { outcome: FailedCalls["outcome"]; status: number | null; count: number }[];
}

/** Dead jobs of a tenant that nobody has redriven. Calls that we stopped ourselves are no cause of death. */
function letters(sql: Sql | Transaction, tenant: TenantId, filter: DeadLetterFilter) {
  const { ids, model, batchId, since, until } = filter;
  const batch = batchId && uuidOf("batch", batchId);
  const keys = ids && uuids(ids.map((id) => uuidOf("job", id)));
  return sql`
    SELECT j.id, j.tenant_id, j.model, j.endpoint, j.sla, j.priority, j.input_tokens, j.max_output_tokens,
      j.capabilities, j.routing, j.batch_id, j.line, j.custom_id, j.key_id, j.accepted_at, o.finished_at, o.attempts,
      coalesce(o.target_id, last.target_id) AS target_id, o.failure_code, o.failure_message,
      o.failure_code || coalesce(': ' || ended.kinds, '') AS cause, coalesce(ended.calls, '[]') AS calls
    FROM outcomes o
    JOIN jobs j ON j.id = o.job_id
    LEFT JOIN LATERAL (
      SELECT a.target_id FROM attempts a WHERE a.job_id = o.job_id ORDER BY a.epoch DESC LIMIT 1
    ) last ON true
    CROSS JOIN LATERAL (
      SELECT string_agg(concat_ws(' ', k.outcome, k.status), ', ' ORDER BY k.outcome, k.status) AS kinds,
        json_agg(json_build_object('outcome', k.outcome, 'status', k.status, 'count', k.count)
          ORDER BY k.count DESC, k.outcome, k.status) AS calls
      FROM (
        SELECT a.outcome, a.status_code AS status, count(*) AS count FROM attempts a
        WHERE a.job_id = o.job_id AND a.outcome NOT IN ('aborted', 'fenced') GROUP BY 1, 2
      ) k
    ) ended
    WHERE o.state = 'dead' AND j.tenant_id = ${tenant}
      AND NOT EXISTS (SELECT FROM redrives r WHERE r.job_id = o.job_id)
      ${keys === undefined ? sql`` : sql`AND o.job_id = ANY(${keys}::uuid[])`}
      ${model === undefined ? sql`` : sql`AND j.model = ${model}`}
      ${batch === undefined ? sql`` : sql`AND o.batch_id = ${batch} AND o.job_id > ${batch}`}
      ${since === undefined ? sql`` : sql`AND o.finished_at >= ${since}`}
      ${until === undefined ? sql`` : sql`AND o.finished_at <= ${until}`}`;
}

function ofCause(sql: Sql | Transaction, { cause }: DeadLetterFilter) {
  return cause === undefined ? sql`` : sql`AND (d.cause = ${cause} OR d.failure_code = ${cause})`;
}

/** Dead letters in order of id. */
export async function readDeadLetters(
  sql: Sql | Transaction,
  tenant: TenantId,
  filter: DeadLetterFilter,
  { after, limit, order }: Page,
): Promise<DeadLetter[]> {
  const comparison = order === "asc" ? sql`>` : sql`<`;
  const rows = await sql<DeadLetterRow[]>`
    SELECT * FROM (${letters(sql, tenant, filter)}) d
    WHERE true ${ofCause(sql, filter)}
      ${after === undefined ? sql`` : sql`AND d.id ${comparison} ${uuidOf("job", after)}`}
    ORDER BY d.id ${order === "asc" ? sql`ASC` : sql`DESC`} LIMIT ${limit}`;
  return rows.map(letterOf);
}

function letterOf(row: DeadLetterRow): DeadLetter {
  const { model, endpoint, sla, priority, inputTokens, capabilities, routing } = row;
  const { acceptedAt, attempts, cause, calls } = row;
  return {
    jobId: idFromUuid("job", row.id),
    tenantId: row.tenantId as TenantId,
    ...{ model, endpoint, sla, priority, inputTokens, capabilities, routing, acceptedAt, attempts, cause },
    maxOutputTokens: row.maxOutputTokens ?? undefined,
    batchLine: lineOf(row),
    keyId: row.keyId ?? undefined,
    diedAt: row.finishedAt,
    targetId: row.targetId ?? undefined,
    failure: { code: row.failureCode, message: row.failureMessage },
    calls: calls.map(({ outcome, status, count }) => ({ outcome, statusCode: status ?? undefined, count })),
  };
}

interface GroupRow {
  readonly cause: string;
  readonly model: string;
  readonly targetId: string | null;
  readonly count: number;
  readonly oldestAt: number;
  readonly newestAt: number;
  readonly samples: readonly string[];
}

const mostGroups = 1000;
const samplesOfGroup = 5;

/** Dead letters by cause, model and target; the largest group first. */
export async function groupDeadLetters(
  sql: Sql,
  tenant: TenantId,
  filter: DeadLetterFilter,
): Promise<DeadLetterGroup[]> {
  const rows = await sql<GroupRow[]>`
    SELECT d.cause, d.model, d.target_id, count(*) AS count, min(d.finished_at) AS oldest_at,
      max(d.finished_at) AS newest_at,
      to_json((array_agg(d.id ORDER BY d.finished_at, d.id))[1:${samplesOfGroup}]) AS samples
    FROM (${letters(sql, tenant, filter)}) d
    WHERE true ${ofCause(sql, filter)}
    GROUP BY d.cause, d.model, d.target_id
    ORDER BY count(*) DESC, d.cause, d.model, d.target_id LIMIT ${mostGroups}`;
  return rows.map(({ targetId, samples, ...group }) => ({
    ...group,
    targetId: targetId ?? undefined,
    sampleIds: samples.map((id) => idFromUuid("job", id)),
  }));
}
