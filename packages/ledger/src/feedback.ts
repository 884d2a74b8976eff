import { type Feedback, type JobId, type TenantId, uuidOf } from "@sluice/domain";
import type { Sql } from "./client.ts";

/** Keeps what a job's owner thinks of its result, in place of what they said before. */
export async function giveFeedback(sql: Sql, id: JobId, { givenAt, score, labels }: Feedback): Promise<void> {
  await sql`
    INSERT INTO feedback (job_id, given_at, score, labels)
    VALUES (${uuidOf("job", id)}, ${givenAt}, ${score}, ${sql.json(labels)})
    ON CONFLICT (job_id) DO UPDATE
    SET given_at = EXCLUDED.given_at, score = EXCLUDED.score, labels = EXCLUDED.labels`;
}

/** The newest word on a job, `undefined` when there is none. */
export async function findFeedback(sql: Sql, tenant: TenantId, id: JobId): Promise<Feedback | undefined> {
  const key = uuidOf("job", id);
  const [row] = await sql<Feedback[]>`
    SELECT f.given_at, f.score, f.labels FROM feedback f
    WHERE f.job_id = ${key} AND EXISTS (SELECT FROM jobs j WHERE j.id = ${key} AND j.tenant_id = ${tenant})`;
  return row && { givenAt: row.givenAt, score: row.score, labels: row.labels };
}
