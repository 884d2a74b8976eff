import { type Job, type JobId, jobOfResponse, type ResponseId, type TenantId, uuidOf } from "@sluice/domain";
import type { Sql } from "./client.ts";
import { type JobRow, jobOf, specColumns, standingColumns } from "./read-job.ts";

/** A job of a tenant with its request and its result. */
export async function findJob(sql: Sql, tenant: TenantId, id: JobId): Promise<Job | undefined> {
  const key = uuidOf("job", id);
  const [row] = await sql<JobRow[]>`
    SELECT ${sql.unsafe(specColumns)}, j.body, j.body_key, ${sql.unsafe(standingColumns)}, o.result_body, o.result_key
    FROM jobs j
    LEFT JOIN live_jobs l ON l.id = j.id
    LEFT JOIN outcomes o ON o.job_id = j.id AND o.job_id = ${key}
    WHERE j.id = ${key} AND j.tenant_id = ${tenant}`;
  return row && jobOf(row);
}

/** The job whose result is read as a response, unless that was deleted. */
export async function findResponse(sql: Sql, tenant: TenantId, id: ResponseId): Promise<Job | undefined> {
  const job = await findJob(sql, tenant, jobOfResponse(id));
  if (job?.response === undefined) return undefined;
  const [deleted] = await sql`SELECT FROM deleted_responses WHERE job_id = ${uuidOf("response", id)}`;
  return deleted === undefined ? job : undefined;
}

interface Deleting {
  readonly tenant: TenantId;
  readonly id: ResponseId;
  readonly now: number;
}

/** Remembers that a response was deleted; `false` when there is none to delete. */
export async function deleteResponse(sql: Sql, { tenant, id, now }: Deleting): Promise<boolean> {
  const key = uuidOf("response", id);
  const made = await sql`
    INSERT INTO deleted_responses (job_id, deleted_at)
    SELECT j.id, ${now}::timestamptz FROM jobs j
    WHERE j.id = ${key} AND j.tenant_id = ${tenant} AND j.response IS NOT NULL
    ON CONFLICT (job_id) DO NOTHING`;
  return made.count > 0;
}
