import { type BatchId, type TenantId, uuidOf } from "@sluice/domain";
import type { Sql } from "./client.ts";

interface Deletion {
  readonly tenant: TenantId;
  readonly id: BatchId;
  readonly now: number;
}

/** Attempts stay: budgets and limits are counted by them, and they hold nothing of a request or result. */
export async function deleteBatch(sql: Sql, { tenant, id, now }: Deletion): Promise<boolean> {
  const batch = uuidOf("batch", id);
  return sql.begin(async (transaction) => {
    const gone = await transaction`
      UPDATE batches SET deleted_at = ${now}
      WHERE id = ${batch} AND tenant_id = ${tenant} AND deleted_at IS NULL
        AND status IN ('failed', 'completed', 'expired', 'cancelled')`;
    if (gone.count === 0) return false;
    await transaction`
      DELETE FROM decisions d USING jobs j
      WHERE j.batch_id = ${batch} AND j.id > ${batch} AND d.job_id = j.id AND d.job_id > ${batch}`;
    await transaction`DELETE FROM outcomes WHERE batch_id = ${batch} AND job_id > ${batch}`;
    await transaction`DELETE FROM jobs WHERE batch_id = ${batch} AND id > ${batch}`;
    return true;
  });
}
