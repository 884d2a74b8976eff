import {
  type DispatchLedger,
  idFromUuid,
  type JobFailure,
  type JobId,
  jobFailureCodes,
  type LiveJob,
  type MovedJob,
  type OnAmbiguous,
  uuidOf,
} from "@sluice/domain";
import type { Sql } from "./client.ts";
import { uuids } from "./columns.ts";
import { type Ending, endingMove, endUnfinished, movedJobs } from "./end-unfinished.ts";
import { createFeed } from "./feed.ts";
import { forgetClaims } from "./idempotency.ts";
import { createLeadership } from "./leadership.ts";
import { type LineRow, lineOf } from "./line-rows.ts";
import { type Move, moveJobs } from "./move-jobs.ts";
import { ensurePartitions } from "./partitions.ts";
import { type PointerRow, pointerColumns, pointerOf } from "./pointer-rows.ts";

/** Jobs as the leading dispatcher feeds, returns and expires them. */
export function createDispatch(sql: Sql): Omit<DispatchLedger, "overdueDeliveries"> {
  return {
    ...createLeadership(sql),
    ...createFeed(sql),
    liveLaned: (page) => liveLaned(sql, page),
    findLive: (ids) => findLive(sql, ids),
    returnJobsOfDeadWorkers: (leaderEpoch, now, newIds, lineBytesOf) =>
      returnJobs(sql, { leaderEpoch, now, newIds, lineBytesOf }),
    expireJobs: (leaderEpoch, now, limit, newIds, lineBytesOf) =>
      expireJobs(sql, limit, { leaderEpoch, now, newIds, lineBytesOf }),
    forgetClaims: (leaderEpoch, now, limit) => forgetClaims(sql, { leaderEpoch, now, limit }),
    ensurePartitions: (now) => ensurePartitions(sql, now),
  };
}

interface LiveRow extends PointerRow {
  readonly state: LiveJob["state"];
  readonly candidateSet: string;
  readonly ownerAlive: boolean;
}

function liveOf(row: LiveRow): LiveJob {
  const { state, candidateSet, ownerAlive } = row;
  return { ...pointerOf(row), state, candidateSet, ownerAlive };
}

const liveColumns = `${pointerColumns}, l.state, l.candidate_set,
  coalesce(w.lease_until > clock_timestamp(), false) AS owner_alive`;

async function liveLaned(
  sql: Sql,
  { after, limit }: { after?: LiveJob | undefined; limit: number },
): Promise<LiveJob[]> {
  const behind =
    after === undefined
      ? sql``
      : sql`AND (l.candidate_set, l.id) > (${after.candidateSet}, ${uuidOf("job", after.jobId)})`;
  const rows = await sql<LiveRow[]>`
    SELECT ${sql.unsafe(liveColumns)} FROM live_jobs l LEFT JOIN workers w ON w.id = l.worker_id
    WHERE l.laned ${behind}
    ORDER BY l.candidate_set, l.id LIMIT ${limit}`;
  return rows.map(liveOf);
}

async function findLive(sql: Sql, ids: readonly JobId[]): Promise<LiveJob[]> {
  const keys = uuids(ids.map((id) => uuidOf("job", id)));
  const rows = await sql<LiveRow[]>`
    SELECT ${sql.unsafe(liveColumns)} FROM live_jobs l LEFT JOIN workers w ON w.id = l.worker_id
    WHERE l.id = ANY(${keys}::uuid[])`;
  return rows.map(liveOf);
}

interface OrphanRow extends LineRow {
  readonly epoch: number;
  readonly workerId: string;
  readonly targetId: string;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly onAmbiguous: OnAmbiguous;
  /** Attempts before this one whose worker died too. */
  readonly lostBefore: number;
}

/** How long after its lease a worker's jobs are still searched for: far longer than a statement that began in time. */
const clearAfter = "30 seconds";
const chunk = 1000;

async function returnJobs(sql: Sql, ending: Ending): Promise<MovedJob[]> {
  const rows = await sql<OrphanRow[]>`
    SELECT l.id, l.batch_id, l.line, j.custom_id, l.epoch, l.worker_id, a.target_id, l.attempts, l.max_attempts,
      l.on_ambiguous, (SELECT count(*) FROM attempts p WHERE p.job_id = l.id AND p.outcome = 'lost') AS lost_before
    FROM live_jobs l
    JOIN attempts a ON a.job_id = l.id AND a.epoch = l.epoch
    JOIN jobs j ON j.id = l.id
    WHERE l.laned AND l.state = 'running'
      AND EXISTS (SELECT FROM workers w WHERE w.cleared_at IS NULL AND w.lease_until <= clock_timestamp())
      AND l.worker_id IN (SELECT id FROM workers WHERE cleared_at IS NULL AND lease_until <= clock_timestamp())
    LIMIT ${chunk}`;
  const moves = rows.map((row) => returningMove(row, ending));
  const moved = await moveJobs(sql, moves, ending.leaderEpoch);
  if (rows.length === 0) await clearWorkers(sql);
  return movedJobs(moves, moved);
}

function returningMove(row: OrphanRow, ending: Ending): Move {
  const attempt = {
    outcome: "lost",
    targetId: row.targetId,
    latencyMs: undefined,
    ...unknownAnswer,
  } as const;
  const jobId = idFromUuid("job", row.id);
  const owner = { epoch: row.epoch, workerId: idFromUuid("worker", row.workerId), attempt };
  const code = endOfOrphan(row);
  if (code === undefined) {
    const to = { state: "waiting", notBeforeAt: ending.now, avoidTarget: false, spentAttempt: true } as const;
    return { jobId, from: "running", at: ending.now, to, ...owner };
  }
  const failure: JobFailure = { code, message: jobFailureCodes[code] };
  return {
    ...endingMove({ jobId, from: "running", line: lineOf(row), state: "dead", failure }, ending),
    ...owner,
  };
}

const unknownAnswer = { statusCode: undefined, usage: undefined, costUsd: undefined };

/** So many workers are not lost by chance: the job is kept from the next one. */
const mostLost = 5;

/** Whether the upstream answered is unknown: `on_ambiguous` decides, and a job that keeps losing its workers ends. */
function endOfOrphan({ onAmbiguous, attempts, maxAttempts, lostBefore }: OrphanRow) {
  if (onAmbiguous === "fail") return "ambiguous_attempt";
  if (lostBefore + 1 >= mostLost) return "quarantined";
  return attempts >= maxAttempts ? "attempts_exhausted" : undefined;
}

async function clearWorkers(sql: Sql): Promise<void> {
  await sql`
    UPDATE workers SET cleared_at = clock_timestamp()
    WHERE cleared_at IS NULL AND lease_until < clock_timestamp() - ${clearAfter}::interval
      AND NOT EXISTS (SELECT FROM live_jobs l WHERE l.laned AND l.worker_id = workers.id)`;
}

async function expireJobs(sql: Sql, limit: number, ending: Ending): Promise<MovedJob[]> {
  const rows = await sql<LineRow[]>`
    SELECT l.id, l.batch_id, l.line, j.custom_id
    FROM live_jobs l JOIN jobs j ON j.id = l.id
    WHERE l.on_miss = 'expire' AND l.deadline_at <= ${ending.now} AND l.state <> 'running'
    ORDER BY l.deadline_at LIMIT ${limit}`;
  const expired = rows.map((row) => {
    const code = row.batchId === null ? "job_expired" : "batch_expired";
    const failure: JobFailure = { code, message: jobFailureCodes[code] };
    const jobId = idFromUuid("job", row.id);
    return { jobId, from: "unstarted", line: lineOf(row), state: "expired", failure } as const;
  });
  return endUnfinished(sql, expired, ending);
}
