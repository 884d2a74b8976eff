import { type TenantId, tenantId, type WindowLedger, type WindowLevel, type WindowUse } from "@sluice/domain";
import { named, type Sql } from "./client.ts";
import { type Column, parametersOf, unnest } from "./columns.ts";

/**
 * Whether a row `l` stands in its window: laned, not running, and no retry that is due only after the moment of this
 * parameter.
 */
export function inWindow(retriesBefore: string): string {
  return `l.laned AND l.state <> 'running'
    AND (l.waiting_for IS NOT NULL OR l.not_before_at IS NULL OR l.not_before_at <= ${retriesBefore}::timestamptz)`;
}

// Steps from one set to the next in the index, however many jobs each of them has.
const useStatement = `
  WITH RECURSIVE sets AS (
    (SELECT candidate_set FROM live_jobs WHERE NOT laned ORDER BY candidate_set LIMIT 1)
    UNION ALL
    SELECT (
      SELECT l.candidate_set FROM live_jobs l WHERE NOT l.laned AND l.candidate_set > s.candidate_set
      ORDER BY l.candidate_set LIMIT 1
    ) FROM sets s WHERE s.candidate_set IS NOT NULL
  )
  SELECT s.candidate_set, u.earliest_unfed_at, w.tenant_id, w.jobs, w.parked, w.tokens, w.latest_deadline_at
  FROM sets s
  CROSS JOIN LATERAL (
    SELECT l.effective_deadline_at AS earliest_unfed_at FROM live_jobs l
    WHERE NOT l.laned AND l.candidate_set = s.candidate_set ORDER BY l.effective_deadline_at LIMIT 1
  ) u
  LEFT JOIN LATERAL (
    SELECT l.tenant_id, count(*) AS jobs, count(l.waiting_for) AS parked, sum(l.tokens) AS tokens,
      max(l.effective_deadline_at) AS latest_deadline_at
    FROM live_jobs l WHERE l.candidate_set = s.candidate_set AND ${inWindow("$1")}
    GROUP BY l.tenant_id
  ) w ON true`;

interface UseRow {
  readonly candidateSet: string;
  readonly earliestUnfedAt: number;
  readonly tenantId: string | null;
  readonly jobs: number;
  readonly parked: number;
  readonly tokens: number;
  readonly latestDeadlineAt: number;
}

/** The windows of the sets that have unfed jobs. */
export async function unfedWindows(sql: Sql, retriesBefore: number): Promise<WindowUse[]> {
  const rows = await sql.unsafe<UseRow[]>(useStatement, [moment(retriesBefore)], named);
  return [...Map.groupBy(rows, (row) => row.candidateSet)].map(([candidateSet, group]) => {
    const held = group.filter((row) => row.tenantId !== null);
    return {
      candidateSet,
      tenants: held.map(({ jobs, parked, tokens, ...row }) => ({
        tenantId: tenantOf(row),
        jobs,
        parked,
        tokens,
      })),
      latestDeadlineAt: held.length === 0 ? undefined : Math.max(...held.map((row) => row.latestDeadlineAt)),
      earliestUnfedAt: group[0]?.earliestUnfedAt ?? 0,
    };
  });
}

function tenantOf(row: { readonly tenantId: string | null }): TenantId {
  return tenantId(row.tenantId ?? "");
}

/** A parameter of a statement that is no tagged template. */
export function moment(at: number): string {
  return new Date(at).toISOString();
}

type Place = Parameters<WindowLedger["windowLevels"]>[0][number];

const placeColumns: readonly Column<Place>[] = [
  { name: "candidate_set", type: "text", value: ({ candidateSet }) => candidateSet },
  { name: "place", type: "int4", value: ({ place }) => place },
];

const levelStatement = `
  SELECT p.candidate_set, w.jobs, w.tokens, w.place_deadline_at, u.earliest_unfed_at
  FROM ${unnest(placeColumns, "p")}
  CROSS JOIN LATERAL (
    SELECT count(*) AS jobs, coalesce(sum(l.tokens), 0) AS tokens,
      (array_agg(l.effective_deadline_at ORDER BY l.effective_deadline_at))[p.place] AS place_deadline_at
    FROM live_jobs l WHERE l.candidate_set = p.candidate_set AND ${inWindow(`$${placeColumns.length + 1}`)}
  ) w
  LEFT JOIN LATERAL (
    SELECT l.effective_deadline_at AS earliest_unfed_at FROM live_jobs l
    WHERE NOT l.laned AND l.candidate_set = p.candidate_set ORDER BY l.effective_deadline_at LIMIT 1
  ) u ON true`;

interface LevelRow extends Omit<WindowLevel, "earliestUnfedAt" | "placeDeadlineAt"> {
  readonly earliestUnfedAt: number | null;
  readonly placeDeadlineAt: number | null;
}

/** Windows as those see them who put accepted jobs straight into lanes. */
export function createWindows(sql: Sql): WindowLedger {
  return {
    async windowLevels(places, retriesBefore) {
      const parameters = [...parametersOf(placeColumns, places), moment(retriesBefore)];
      const rows = await sql.unsafe<LevelRow[]>(levelStatement, parameters, named);
      return rows.map(({ earliestUnfedAt, placeDeadlineAt, ...row }) => ({
        ...row,
        earliestUnfedAt: earliestUnfedAt ?? undefined,
        placeDeadlineAt: placeDeadlineAt ?? undefined,
      }));
    },
  };
}
