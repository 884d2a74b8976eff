import { type BacklogSum, type ForecastLedger, type OverdueSum, tenantId } from "@sluice/domain";
import { named, type Sql } from "./client.ts";
import { sampleJobs } from "./feed.ts";
import { moment } from "./windows.ts";

// One pass over the live jobs. `horizon` and `lead` are those of jobs whose p95 has just passed.
const backlogStatement = `
  SELECT candidate_set, tenant_id, state = 'running' AS running,
    CASE WHEN state <> 'running' THEN width_bucket(effective_deadline_at, $1::timestamptz[]) END AS band,
    min(effective_deadline_at) AS earliest_at, max(effective_deadline_at) AS latest_at,
    count(*) AS jobs, sum(tokens) AS tokens, count(waiting_for) AS parked,
    CASE WHEN p95_at >= $2::timestamptz AND p95_at < $3::timestamptz THEN width_bucket(expected_wait_ms, $4::int[]) END AS horizon,
    CASE WHEN p95_at >= $2::timestamptz AND p95_at < $3::timestamptz
      THEN width_bucket(extract(epoch FROM effective_deadline_at - accepted_at)::float8 * 1000, $4::float8[]) END AS lead
  FROM live_jobs GROUP BY 1, 2, 3, 4, 10, 11`;

interface BacklogRow {
  readonly candidateSet: string;
  readonly tenantId: string;
  readonly running: boolean;
  readonly earliestAt: number;
  readonly latestAt: number;
  readonly jobs: number;
  readonly tokens: number;
  readonly parked: number;
  readonly horizon: number | null;
  readonly lead: number | null;
}

/** The backlog in sums. */
export function createForecasts(sql: Sql): ForecastLedger {
  return {
    async readBacklog({ now, overdueSince, boundsMs, horizonsMs }) {
      const bounds = `{${boundsMs.map((ms) => moment(now + ms)).join(",")}}`;
      const parameters = [bounds, moment(overdueSince), moment(now), `{${horizonsMs.join(",")}}`];
      const rows = await sql.begin(async (transaction) => {
        // It reads every row: by an index that is as many pages in any order.
        await transaction`SET LOCAL enable_seqscan = on`;
        return transaction.unsafe<BacklogRow[]>(backlogStatement, parameters, named);
      });
      return { sums: rows.map(sumOf), overdue: rows.flatMap((row) => overdueOf(row, horizonsMs)) };
    },
    sampleLive: (candidateSets) => sampleJobs(sql, candidateSets),
  };
}

function sumOf({ running, horizon: _, lead: _lead, ...row }: BacklogRow): BacklogSum {
  return { ...row, tenantId: tenantId(row.tenantId), state: running ? "running" : "waiting" };
}

function overdueOf(row: BacklogRow, horizonsMs: readonly number[]): OverdueSum[] {
  const { candidateSet, horizon, lead, jobs } = row;
  if (horizon === null || lead === null) return [];
  const least = (bucket: number) => horizonsMs[bucket - 1] ?? 0;
  return [{ candidateSet, waitMs: least(horizon), leadMs: least(lead), jobs }];
}
