import type { LaneBacklog, LaneLedger, WindowBacklog } from "@sluice/domain";
import type { Sql } from "./client.ts";
import { inWindow, moment } from "./windows.ts";

interface BacklogRow extends Omit<LaneBacklog, "oldestQueuedAt"> {
  readonly oldestQueuedAt: number | null;
}

const isHeld = inWindow("$1");

const windowStatement = `
  SELECT l.candidate_set, count(*) FILTER (WHERE ${isHeld}) AS jobs,
    coalesce(sum(l.tokens) FILTER (WHERE ${isHeld}), 0) AS tokens,
    count(l.waiting_for) FILTER (WHERE ${isHeld}) AS parked,
    count(*) FILTER (WHERE l.state = 'running') AS running,
    count(*) FILTER (WHERE NOT l.laned) AS unfed_jobs,
    coalesce(sum(l.tokens) FILTER (WHERE NOT l.laned), 0) AS unfed_tokens,
    count(DISTINCT l.tenant_id) FILTER (WHERE NOT l.laned) AS unfed_tenants
  FROM live_jobs l GROUP BY l.candidate_set ORDER BY l.candidate_set`;

/** Reads each live job: seconds when there are millions. Only operators ask. */
export function createLaneBacklogs(sql: Sql): LaneLedger {
  return {
    async laneBacklogs() {
      const rows = await sql<BacklogRow[]>`
        SELECT l.model, count(*) FILTER (WHERE NOT l.laned) AS unfed_jobs,
          coalesce(sum(j.input_tokens::bigint + coalesce(j.max_output_tokens, 0)) FILTER (WHERE NOT l.laned), 0)::bigint
            AS unfed_tokens,
          count(*) FILTER (WHERE l.state = 'queued') AS queued,
          count(*) FILTER (WHERE l.state = 'running') AS running,
          count(*) FILTER (WHERE l.state = 'waiting') AS waiting,
          min(j.accepted_at) FILTER (WHERE l.state = 'queued') AS oldest_queued_at
        FROM live_jobs l JOIN jobs j ON j.id = l.id
        GROUP BY l.model ORDER BY l.model`;
      return rows.map((row) => ({ ...row, oldestQueuedAt: row.oldestQueuedAt ?? undefined }));
    },
    windowBacklogs: (retriesBefore) => sql.unsafe<WindowBacklog[]>(windowStatement, [moment(retriesBefore)]),
  };
}
