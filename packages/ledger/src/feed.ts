import {
  type FeedLedger,
  type FeedWish,
  idFromUuid,
  type JobId,
  type JobSpec,
  type LanePointer,
  tenantId,
  type UnfedHead,
  type UnfedHeads,
  uuidOf,
} from "@sluice/domain";
import { named, retrying, type Sql } from "./client.ts";
import { type Column, parametersOf, unnest, uuids } from "./columns.ts";
import { leaderFence } from "./leadership.ts";
import { type PointerRow, pointerColumns, pointerOf } from "./pointer-rows.ts";
import { type SpecRow, specColumns, specOf } from "./read-job.ts";
import { inWindow, moment, unfedWindows } from "./windows.ts";

/** The backlog as the leading dispatcher feeds it. */
export function createFeed(sql: Sql): FeedLedger {
  return {
    unfedWindows: (retriesBefore) => unfedWindows(sql, retriesBefore),
    sampleJobs: (candidateSets) => sampleJobs(sql, candidateSets),
    unfedHeads: (wishes, retriesBefore) => unfedHeads(sql, wishes, retriesBefore),
    deferLate: (leaderEpoch, candidateSets, now) => deferLate(sql, leaderEpoch, candidateSets, now),
    markLaned: (leaderEpoch, jobIds) => markLaned(sql, leaderEpoch, jobIds),
  };
}

const setColumns: readonly Column<string>[] = [
  { name: "candidate_set", type: "text", value: (candidateSet) => candidateSet },
];

const sampleStatement = `
  SELECT ${specColumns}, j.body, j.body_key
  FROM ${unnest(setColumns, "s")}
  CROSS JOIN LATERAL (
    (SELECT l.id FROM live_jobs l WHERE NOT l.laned AND l.candidate_set = s.candidate_set LIMIT 1)
    UNION ALL
    (SELECT l.id FROM live_jobs l WHERE l.laned AND l.candidate_set = s.candidate_set LIMIT 1)
    LIMIT 1
  ) l
  JOIN jobs j ON j.id = l.id`;

/** One live job of each of these sets, an unfed one if there is any. */
export async function sampleJobs(sql: Sql, candidateSets: readonly string[]): Promise<JobSpec[]> {
  const rows = await sql.unsafe<SpecRow[]>(sampleStatement, parametersOf(setColumns, candidateSets));
  return rows.map(specOf);
}

const wishColumns: readonly Column<FeedWish>[] = [
  { name: "candidate_set", type: "text", value: (wish) => wish.candidateSet },
  { name: "room", type: "int4", value: (wish) => wish.room },
  { name: "express", type: "int4", value: (wish) => wish.express },
  { name: "express_places", type: "int4", value: (wish) => wish.expressPlaces },
];

/** So many times the room is read of all flows together, so that few jobs of one leave more to the others. */
const spare = 4;

// Steps from one tenant of a set to the next in the index, however many jobs each of them has.
const headsStatement = `
  WITH RECURSIVE wishes AS MATERIALIZED (SELECT * FROM ${unnest(wishColumns, "w")}),
  flows AS (
    SELECT w.candidate_set, (
      SELECT l.tenant_id FROM live_jobs l WHERE NOT l.laned AND l.candidate_set = w.candidate_set
      ORDER BY l.tenant_id LIMIT 1
    ) AS tenant_id FROM wishes w WHERE w.room > 0
    UNION ALL
    SELECT f.candidate_set, (
      SELECT l.tenant_id FROM live_jobs l
      WHERE NOT l.laned AND l.candidate_set = f.candidate_set AND l.tenant_id > f.tenant_id
      ORDER BY l.tenant_id LIMIT 1
    ) FROM flows f WHERE f.tenant_id IS NOT NULL
  ),
  reads AS (
    SELECT candidate_set, least(w.room, ceil(${spare}.0 * w.room / count(f.tenant_id))::int) AS most
    FROM flows f JOIN wishes w USING (candidate_set) WHERE f.tenant_id IS NOT NULL GROUP BY candidate_set, w.room
  )
  SELECT f.candidate_set, f.tenant_id, h.id, h.tokens, r.most, h.effective_deadline_at
  FROM flows f JOIN reads r USING (candidate_set)
  CROSS JOIN LATERAL (
    SELECT l.id, l.tokens, l.effective_deadline_at FROM live_jobs l
    WHERE NOT l.laned AND l.candidate_set = f.candidate_set AND l.tenant_id = f.tenant_id
    ORDER BY l.effective_deadline_at LIMIT r.most
  ) h
  UNION ALL
  SELECT w.candidate_set, e.tenant_id, e.id, e.tokens, NULL, e.effective_deadline_at
  FROM wishes w
  CROSS JOIN LATERAL (
    SELECT l.effective_deadline_at FROM live_jobs l
    WHERE l.candidate_set = w.candidate_set AND ${inWindow(`$${wishColumns.length + 1}`)}
    ORDER BY l.effective_deadline_at OFFSET w.express_places - 1 LIMIT 1
  ) place
  CROSS JOIN LATERAL (
    SELECT l.id, l.tenant_id, l.tokens, l.effective_deadline_at FROM live_jobs l
    WHERE NOT l.laned AND l.candidate_set = w.candidate_set AND l.effective_deadline_at < place.effective_deadline_at
    ORDER BY l.effective_deadline_at LIMIT w.express
  ) e
  WHERE w.express > 0
  ORDER BY effective_deadline_at`;

interface HeadRow {
  readonly candidateSet: string;
  readonly tenantId: string;
  readonly id: string;
  readonly tokens: number;
  /** How many jobs of the flow were read at most; null for one that may go express. */
  readonly most: number | null;
}

async function unfedHeads(
  sql: Sql,
  wishes: readonly FeedWish[],
  retriesBefore: number,
): Promise<UnfedHeads[]> {
  const parameters = [...parametersOf(wishColumns, wishes), moment(retriesBefore)];
  const rows = await sql.unsafe<HeadRow[]>(headsStatement, parameters, named);
  const sets = Map.groupBy(rows, (row) => row.candidateSet);
  return [...sets].map(([candidateSet, group]) => {
    const flows = Map.groupBy(
      group.filter(({ most }) => most !== null),
      (row) => row.tenantId,
    );
    return {
      candidateSet,
      flows: [...flows].map(([tenant, jobs]) => ({
        tenantId: tenantId(tenant),
        jobs: jobs.map(headOf),
        more: jobs.length === jobs[0]?.most,
      })),
      express: group.filter(({ most }) => most === null).map(headOf),
    };
  });
}

function headOf({ id, candidateSet, tokens, ...row }: HeadRow): UnfedHead {
  return { jobId: idFromUuid("job", id), candidateSet, tenantId: tenantId(row.tenantId), tokens };
}

/** Late jobs of one set that stand back in one step. */
const mostDeferred = 1_000;

const deferStatement = `
  WITH leader AS (${leaderFence("$2")}),
  late AS (
    SELECT l.id FROM ${unnest(setColumns, "s")}
    CROSS JOIN LATERAL (
      SELECT l.id FROM live_jobs l
      WHERE NOT l.laned AND l.candidate_set = s.candidate_set AND l.effective_deadline_at <= $3
        AND l.deadline_at <= $3 AND l.on_miss = 'best_effort'
      ORDER BY l.effective_deadline_at LIMIT ${mostDeferred} FOR UPDATE SKIP LOCKED
    ) l
  )
  UPDATE live_jobs l SET effective_deadline_at = $3 + ($3 - j.accepted_at)
  FROM late JOIN jobs j ON j.id = late.id
  WHERE l.id = late.id AND EXISTS (SELECT FROM leader)`;

async function deferLate(
  sql: Sql,
  leaderEpoch: number,
  candidateSets: readonly string[],
  now: number,
): Promise<number> {
  const parameters = [...parametersOf(setColumns, candidateSets), leaderEpoch, moment(now)];
  const { count } = await retrying(() => sql.unsafe(deferStatement, parameters));
  return count;
}

async function markLaned(sql: Sql, leaderEpoch: number, jobIds: readonly JobId[]): Promise<LanePointer[]> {
  const keys = uuids(jobIds.map((id) => uuidOf("job", id)).sort());
  const rows = await retrying(
    () => sql<PointerRow[]>`
      WITH leader AS (${sql.unsafe(leaderFence(String(Number(leaderEpoch))))}),
      next AS (
        SELECT id FROM live_jobs WHERE id = ANY(${keys}::uuid[]) AND NOT laned ORDER BY id FOR UPDATE SKIP LOCKED
      )
      UPDATE live_jobs l SET laned = true FROM next WHERE l.id = next.id AND EXISTS (SELECT FROM leader)
      RETURNING ${sql.unsafe(pointerColumns)}`,
  );
  return rows.map(pointerOf).sort((a, b) => a.effectiveDeadlineAt - b.effectiveDeadlineAt);
}
