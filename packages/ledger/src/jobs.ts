import {
  type AttemptRecord,
  type CancelledJob,
  type EventIds,
  idFromUuid,
  isTerminal,
  type JobId,
  type JobLedger,
  jobFailureCodes,
  type LineBytesOf,
  type Route,
  type TenantId,
  uuidOf,
  type WorkerId,
} from "@sluice/domain";
import { acceptJobs, acceptSize } from "./accept-jobs.ts";
import { type Batching, batching } from "./batching.ts";
import type { Sql } from "./client.ts";
import { uuids } from "./columns.ts";
import { endUnfinished } from "./end-unfinished.ts";
import { findFeedback, giveFeedback } from "./feedback.ts";
import { deleteResponse, findJob, findResponse } from "./find-job.ts";
import { findClaim } from "./idempotency.ts";
import { findHistory, findStandings } from "./job-events.ts";
import { leaveJob } from "./leave-job.ts";
import { listJobs } from "./list-jobs.ts";
import { type UsageRow, usageColumns, usageOf } from "./read-job.ts";

/** Jobs as the API accepts and reads them. */
export function createJobs(sql: Sql, settings: Batching): JobLedger {
  const accepts = batching(settings, "accept", (jobs) => acceptJobs(sql, jobs), acceptSize);
  const polls = batching(
    settings,
    "ended",
    (ids: readonly JobId[]) => haveEnded(sql, ids),
    () => 16,
  );
  return {
    acceptJobs: (jobs) => accepts.add(jobs),
    findClaim: (tenant, key, now) => findClaim(sql, tenant, { ...key, now }),
    findJob: (tenant, id) => findJob(sql, tenant, id),
    findResponse: (tenant, id) => findResponse(sql, tenant, id),
    deleteResponse: (tenant, id, now) => deleteResponse(sql, { tenant, id, now }),
    listJobs: (tenant, filter, page) => listJobs(sql, { tenant, filter, page }),
    cancelJob: (tenant, id, now, ids, lineBytesOf) => cancelJob(sql, { tenant, id, now, ids, lineBytesOf }),
    leaveJob: (call, now, ids) => leaveJob(sql, { call, now, ids }),
    async endedAmong(ids) {
      const ended = await polls.add(ids);
      return ids.filter((_, index) => ended[index]);
    },
    findRoute: (tenant, id) => findRoute(sql, tenant, id),
    listAttempts: (tenant, id) => listAttempts(sql, tenant, id),
    findHistory: (tenant, id) => findHistory(sql, tenant, id),
    findStandings: (ids) => findStandings(sql, ids),
    giveFeedback: (id, feedback) => giveFeedback(sql, id, feedback),
    findFeedback: (tenant, id) => findFeedback(sql, tenant, id),
  };
}

async function haveEnded(sql: Sql, ids: readonly JobId[]): Promise<boolean[]> {
  const keys = ids.map((id) => uuidOf("job", id));
  const rows = await sql<{ jobId: string }[]>`
    SELECT job_id FROM outcomes WHERE job_id = ANY(${uuids(keys)}::uuid[])`;
  const ended = new Set(rows.map(({ jobId }) => jobId));
  return keys.map((key) => ended.has(key));
}

interface Cancel {
  readonly tenant: TenantId;
  readonly id: JobId;
  readonly now: number;
  readonly ids: EventIds;
  readonly lineBytesOf: LineBytesOf;
}

async function cancelJob(
  sql: Sql,
  { tenant, id, now, ids, lineBytesOf }: Cancel,
): Promise<CancelledJob | undefined> {
  const job = await findJob(sql, tenant, id);
  if (job === undefined) return undefined;
  if (isTerminal(job.state)) return { ...job, deliveryIds: [] };
  const failure = { code: "job_cancelled", message: jobFailureCodes.job_cancelled };
  const cancelled = { jobId: id, from: "live", line: job.batchLine, state: "cancelled", failure } as const;
  const [ended] = await sql.begin(async (transaction) => {
    // A statement that had to wait for an attempt's start would end the job, but not see the attempt that it must close.
    await transaction`SELECT FROM live_jobs WHERE id = ${uuidOf("job", id)} FOR UPDATE`;
    return endUnfinished(transaction, [cancelled], { now, newIds: () => ids, lineBytesOf });
  });
  const after = await findJob(sql, tenant, id);
  return after && { ...after, deliveryIds: ended?.deliveryIds ?? [] };
}

async function findRoute(sql: Sql, tenant: TenantId, id: JobId): Promise<Route | undefined> {
  const key = uuidOf("job", id);
  const [row] = await sql<{ route: Route }[]>`
    SELECT d.route FROM decisions d
    WHERE d.job_id = ${key} AND EXISTS (SELECT FROM jobs j WHERE j.id = ${key} AND j.tenant_id = ${tenant})
    ORDER BY d.epoch DESC LIMIT 1`;
  return row?.route;
}

interface AttemptRow extends UsageRow {
  readonly epoch: number;
  readonly targetId: string;
  readonly workerId: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: NonNullable<AttemptRecord["outcome"]> | null;
  readonly statusCode: number | null;
  readonly latencyMs: number | null;
  readonly firstTokenMs: number | null;
  readonly costUsd: number | null;
}

async function listAttempts(sql: Sql, tenant: TenantId, id: JobId): Promise<AttemptRecord[]> {
  const key = uuidOf("job", id);
  const rows = await sql<AttemptRow[]>`
    SELECT a.epoch, a.target_id, a.worker_id, a.started_at, a.ended_at, a.outcome, a.status_code, a.latency_ms,
      a.first_token_ms, a.cost_usd, ${sql.unsafe(usageColumns("a"))}
    FROM attempts a
    WHERE a.job_id = ${key} AND EXISTS (SELECT FROM jobs j WHERE j.id = ${key} AND j.tenant_id = ${tenant})
    ORDER BY a.epoch`;
  return rows.map(attemptOf);
}

function attemptOf(row: AttemptRow): AttemptRecord {
  const workerId: WorkerId = idFromUuid("worker", row.workerId);
  return {
    epoch: row.epoch,
    targetId: row.targetId,
    workerId,
    startedAt: row.startedAt,
    endedAt: row.endedAt ?? undefined,
    outcome: row.outcome ?? undefined,
    statusCode: row.statusCode ?? undefined,
    latencyMs: row.latencyMs ?? undefined,
    firstTokenMs: row.firstTokenMs ?? undefined,
    usage: usageOf(row),
    costUsd: row.costUsd ?? undefined,
  };
}
