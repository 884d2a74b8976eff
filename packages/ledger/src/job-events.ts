import {
  idFromUuid,
  type JobHistory,
  type JobId,
  type JobStanding,
  type TenantId,
  uuidOf,
} from "@sluice/domain";
import { named, type Sql } from "./client.ts";
import { uuids } from "./columns.ts";

interface HistoryRow extends JobStanding {
  readonly acceptedAt: number;
  readonly firstWaitAt: number | null;
  readonly finishedAt: number | null;
  readonly attempts:
    | readonly { epoch: number; targetId: string; startedAt: number; endedAt: number | null }[]
    | null;
}

const historyStatement = `
  SELECT j.accepted_at, coalesce(l.state, o.state) AS state, coalesce(l.epoch, o.epoch) AS epoch, o.finished_at,
    (SELECT f.at FROM first_waits f WHERE f.job_id = $1) AS first_wait_at,
    (SELECT json_agg(json_build_object('epoch', a.epoch, 'targetId', a.target_id,
       'startedAt', floor(extract(epoch FROM a.started_at) * 1000),
       'endedAt', floor(extract(epoch FROM a.ended_at) * 1000)) ORDER BY a.epoch)
     FROM attempts a WHERE a.job_id = $1) AS attempts
  FROM jobs j
  LEFT JOIN live_jobs l ON l.id = j.id
  LEFT JOIN outcomes o ON o.job_id = j.id AND o.job_id = $1
  WHERE j.id = $1 AND j.tenant_id = $2`;

/** What is remembered of a job's life, all of one moment. */
export async function findHistory(sql: Sql, tenant: TenantId, id: JobId): Promise<JobHistory | undefined> {
  const [row] = await sql.unsafe<HistoryRow[]>(historyStatement, [uuidOf("job", id), tenant], named);
  if (row === undefined) return undefined;
  return {
    state: row.state,
    epoch: row.epoch,
    acceptedAt: row.acceptedAt,
    firstWaitAt: row.firstWaitAt ?? undefined,
    attempts: (row.attempts ?? []).map(({ endedAt, ...attempt }) => ({
      ...attempt,
      endedAt: endedAt ?? undefined,
    })),
    finishedAt: row.finishedAt ?? undefined,
  };
}

const standingsStatement = `
  SELECT id, state, epoch FROM live_jobs WHERE id = ANY($1::uuid[])
  UNION ALL
  SELECT job_id, state, epoch FROM outcomes WHERE job_id = ANY($1::uuid[])`;

/** Where these jobs stand; those that do not exist are left out. */
export async function findStandings(sql: Sql, ids: readonly JobId[]): Promise<Map<JobId, JobStanding>> {
  const keys = uuids(ids.map((id) => uuidOf("job", id)));
  const rows = await sql.unsafe<(JobStanding & { id: string })[]>(standingsStatement, [keys], named);
  return new Map(rows.map(({ id, state, epoch }) => [idFromUuid("job", id), { state, epoch }]));
}
