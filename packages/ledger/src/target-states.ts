import type { GivenWeight, OperatedTarget, TargetLedger } from "@sluice/domain";
import { retrying, type Sql } from "./client.ts";
import { type Column, parametersOf, unnest } from "./columns.ts";

/** What operators have said of targets. */
export function createTargetStates(sql: Sql): TargetLedger {
  return {
    async setTargetState(targetId, state, now) {
      const [row] = await sql<StateRow[]>`
        INSERT INTO target_states AS t (target_id, state, changed_at) VALUES (${targetId}, ${state}, ${now})
        ON CONFLICT (target_id) DO UPDATE SET state = EXCLUDED.state,
          changed_at = greatest(EXCLUDED.changed_at, t.changed_at + interval '1 millisecond')
        RETURNING target_id, state, weight, changed_at`;
      if (row === undefined) throw new Error("an upsert returned no row");
      return operatedTarget(row);
    },
    async setTargetWeights(weights, now) {
      const parameters = parametersOf(
        weightColumns,
        weights.map((given) => ({ ...given, now })),
      );
      const rows = await retrying(() => sql.unsafe<StateRow[]>(weightStatement, parameters));
      return rows.map(operatedTarget);
    },
    async targetStates() {
      const rows = await sql<StateRow[]>`
        SELECT target_id, state, weight, changed_at FROM target_states ORDER BY target_id`;
      return rows.map(operatedTarget);
    },
  };
}

interface StateRow extends Omit<OperatedTarget, "weight"> {
  readonly weight: number | null;
}

const weightColumns: readonly Column<GivenWeight & { readonly now: number }>[] = [
  { name: "target_id", type: "text", value: ({ targetId }) => targetId },
  { name: "weight", type: "float8", value: ({ weight }) => weight },
  { name: "changed_at", type: "timestamptz", value: ({ now }) => now },
];

// In one order, so that two of these lock no rows crosswise.
const weightStatement = `
  INSERT INTO target_states AS t (target_id, state, weight, changed_at)
    SELECT target_id, 'active', weight, changed_at FROM ${unnest(weightColumns, "i")} ORDER BY target_id
  ON CONFLICT (target_id) DO UPDATE SET weight = EXCLUDED.weight,
    changed_at = greatest(EXCLUDED.changed_at, t.changed_at + interval '1 millisecond')
  RETURNING target_id, state, weight, changed_at`;

function operatedTarget({ weight, ...row }: StateRow): OperatedTarget {
  return weight === null ? { ...row } : { ...row, weight };
}
