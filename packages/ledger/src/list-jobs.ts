import {
  idFromUuid,
  isTerminal,
  type JobFilter,
  type JobId,
  type JobList,
  type JobState,
  type Page,
  type TenantId,
  uuidOf,
} from "@sluice/domain";
import type { Sql } from "./client.ts";
import { type JobRow, jobOf, specColumns, standingColumns } from "./read-job.ts";

/** How much work one page may be. */
const usualBounds = {
  /** Entries of an index that it may look at before it says how far it came. */
  mostLookedAt: 200_000,
  largestChunk: 20_000,
  /** Up to here the jobs with a pair of metadata are found by it; a pair that more jobs have is soon found by walking. */
  fewMatches: 5_000,
};

interface Look {
  readonly tenant: TenantId;
  readonly filter: JobFilter;
  readonly page: Page;
  /** Jobs that are still wanted. */
  readonly limit: number;
  /** Entries of the index to look at. */
  readonly chunk: number;
}

/**
 * A page of a tenant's jobs. It walks the narrowest index that holds all of them in order of id, in chunks that grow,
 * and stops after so many entries however few of them match: then the page says up to where it looked.
 */
export async function listJobs(
  sql: Sql,
  { tenant, filter, page }: Pick<Look, "tenant" | "filter" | "page">,
  bounds = usualBounds,
): Promise<JobList> {
  const jobs: JobList["jobs"][number][] = [];
  const source = await sourceOf(sql, { tenant, filter, page }, bounds.fewMatches);
  let { after } = page;
  let chunk = Math.max(4 * page.limit, 100);
  for (let lookedAt = 0; ; lookedAt += chunk, chunk = Math.min(4 * chunk, bounds.largestChunk)) {
    const look = { tenant, filter, page: { ...page, after }, limit: page.limit - jobs.length, chunk };
    const { found, scanned, last } = await scan(sql, source(look), look);
    jobs.push(...found);
    if (jobs.length >= page.limit || scanned < chunk) return { jobs, lookedUpTo: undefined };
    after = last;
    if (lookedAt + chunk >= bounds.mostLookedAt) return { jobs, lookedUpTo: last };
  }
}

type Fragment = ReturnType<Sql>;
/** A query for the ids of one chunk in order, with `fits`: whether the rest of the filter need be asked. */
type Source = (look: Look) => Fragment;

async function sourceOf(
  sql: Sql,
  about: Pick<Look, "tenant" | "filter" | "page">,
  fewMatches: number,
): Promise<Source> {
  const { states, batchId, metadata } = about.filter;
  if (batchId !== undefined) return (look) => fromBatch(sql, look, batchId);
  if (metadata !== undefined) {
    const ids = await idsWithMetadata(sql, about, fewMatches);
    if (ids !== undefined) return (look) => fromIds(sql, look, ids);
  }
  if (states?.includes("succeeded") === false) return (look) => fromStates(sql, look, states);
  return (look) => fromTenant(sql, look);
}

const fromTenant = (sql: Sql, look: Look): Fragment => sql`
  SELECT j.id, ${specFits(sql, look)} AS fits FROM jobs j
  WHERE j.tenant_id = ${look.tenant} ${beyond(sql, look.page, sql`j.id`)}
  ORDER BY j.id ${direction(sql, look.page)} LIMIT ${look.chunk}`;

/** Lines are made after their batch, so their ids are greater: that bound leaves older partitions out. */
const fromBatch = (sql: Sql, look: Look, batchId: NonNullable<JobFilter["batchId"]>): Fragment => sql`
  SELECT j.id, ${specFits(sql, look)} AS fits FROM jobs j
  WHERE j.batch_id = ${uuidOf("batch", batchId)} AND j.id > ${uuidOf("batch", batchId)}
    ${beyond(sql, look.page, sql`j.id`)}
  ORDER BY j.id ${direction(sql, look.page)} LIMIT ${look.chunk}`;

const fromIds = (sql: Sql, look: Look, ids: readonly string[]): Fragment => sql`
  SELECT w.id, true AS fits FROM unnest(${`{${ids.join(",")}}`}::uuid[]) AS w(id)
  WHERE true ${beyond(sql, look.page, sql`w.id`)}
  ORDER BY w.id ${direction(sql, look.page)} LIMIT ${look.chunk}`;

/** Live jobs and those that did not succeed are few beside those that did. */
function fromStates(sql: Sql, look: Look, states: readonly JobState[]): Fragment {
  const order = direction(sql, look.page);
  const live = states.filter((state) => !isTerminal(state));
  const ended = states.filter(isTerminal);
  return sql`
    SELECT * FROM (
      (SELECT l.id, l.state = ANY(${arrayOf(live)}::text[]) AS fits FROM live_jobs l
       WHERE l.tenant_id = ${look.tenant} AND ${live.length > 0} ${beyond(sql, look.page, sql`l.id`)}
       ORDER BY l.id ${order} LIMIT ${look.chunk})
      UNION ALL
      SELECT e.job_id, true FROM unnest(${arrayOf(ended)}::text[]) AS s(state), LATERAL (
        SELECT o.job_id FROM outcomes o
        WHERE o.state = s.state AND o.state <> 'succeeded' ${beyond(sql, look.page, sql`o.job_id`)}
        ORDER BY o.job_id ${order} LIMIT ${look.chunk}
      ) e
    ) u ORDER BY u.id ${order} LIMIT ${look.chunk}`;
}

/** `undefined`: more jobs have these pairs than it pays to sort. */
async function idsWithMetadata(
  sql: Sql,
  { tenant, filter, page }: Pick<Look, "tenant" | "filter" | "page">,
  fewMatches: number,
): Promise<string[] | undefined> {
  const rows = await sql<{ id: string }[]>`
    SELECT j.id FROM jobs j
    WHERE j.metadata @> ${sql.json(filter.metadata ?? {})} AND j.metadata <> '{}' AND j.tenant_id = ${tenant}
      ${beyond(sql, page, sql`j.id`)}
    LIMIT ${fewMatches + 1}`;
  return rows.length > fewMatches ? undefined : rows.map(({ id }) => id);
}

interface ScanRow extends JobRow {
  readonly scanned: number;
  readonly last: string | null;
  readonly found: string | null;
}

async function scan(sql: Sql, source: Fragment, look: Look) {
  const order = direction(sql, look.page);
  const { states } = look.filter;
  const rows = await sql<ScanRow[]>`
    WITH looked AS MATERIALIZED (${source}),
    found AS (
      SELECT ${sql.unsafe(specColumns)}, ${sql.unsafe(standingColumns)}
      FROM looked k JOIN jobs j ON j.id = k.id
      LEFT JOIN live_jobs l ON l.id = k.id
      LEFT JOIN outcomes o ON o.job_id = k.id
      WHERE k.fits AND j.tenant_id = ${look.tenant} AND ${specFits(sql, look)}
        ${states === undefined ? sql`` : sql`AND coalesce(l.state, o.state) = ANY(${arrayOf(states)}::text[])`}
      ORDER BY k.id ${order} LIMIT ${look.limit}
    )
    SELECT c.scanned, c.last, f.*, f.id AS found
    FROM (
      SELECT count(*) AS scanned, (SELECT id FROM looked ORDER BY id ${opposite(sql, look.page)} LIMIT 1) AS last
      FROM looked
    ) c LEFT JOIN found f ON true
    ORDER BY f.id ${order}`;
  const [first] = rows;
  const last: JobId | undefined = first?.last ? idFromUuid("job", first.last) : undefined;
  return {
    found: rows.filter(({ found }) => found !== null).map(jobOf),
    scanned: first?.scanned ?? 0,
    last,
  };
}

function specFits(sql: Sql, { filter: { model, sla, metadata } }: Look): Fragment {
  return sql`(true
    ${model === undefined ? sql`` : sql`AND j.model = ${model}`}
    ${sla === undefined ? sql`` : sql`AND j.sla = ${sla}`}
    ${metadata === undefined ? sql`` : sql`AND j.metadata @> ${sql.json(metadata)}`})`;
}

function beyond(sql: Sql, { after, order }: Page, column: Fragment): Fragment {
  if (after === undefined) return sql``;
  const key = uuidOf("job", after);
  return order === "asc" ? sql`AND ${column} > ${key}::uuid` : sql`AND ${column} < ${key}::uuid`;
}

const direction = (sql: Sql, { order }: Page): Fragment => (order === "asc" ? sql`ASC` : sql`DESC`);
const opposite = (sql: Sql, { order }: Page): Fragment => (order === "asc" ? sql`DESC` : sql`ASC`);

/** States are words without anything to escape. */
function arrayOf(states: readonly JobState[]): string {
  return `{${states.join(",")}}`;
}
