import type { OperatedTarget, TargetLedger } from "@sluice/domain";
import type { Sql } from "./client.ts";

/** What operators have said of targets. */
export function createTargetStates(sql: Sql): TargetLedger {
  return {
    async setTargetState(targetId, state, now) {
      const [row] = await sql<OperatedTarget[]>`
        INSERT INTO target_states AS t (target_id, state, changed_at) VALUES (${targetId}, ${state}, ${now})
        ON CONFLICT (target_id) DO UPDATE SET state = EXCLUDED.state,
          changed_at = greatest(EXCLUDED.changed_at, t.changed_at + interval '1 millisecond')
        RETURNING target_id, state, changed_at`;
      if (row === undefined) throw new Error("an upsert returned no row");
      return { ...row };
    },
    async targetStates() {
      const rows = await sql<OperatedTarget[]>`
        SELECT target_id, state, changed_at FROM target_states ORDER BY target_id`;
      return rows.map((row) => ({ ...row }));
    },
  };
}
