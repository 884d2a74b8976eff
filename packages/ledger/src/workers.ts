import {
  type JobId,
  type JobToRun,
  type Settlement,
  type SettleResult,
  type StartAttempt,
  type UnstartedEnd,
  uuidOf,
  type WorkerLedger,
} from "@sluice/domain";
import { type Batching, batching } from "./batching.ts";
import { retrying, type Sql } from "./client.ts";
import { uuids } from "./columns.ts";
import { type Move, moveJobs, moveSize } from "./move-jobs.ts";
import { liveSpecColumns, type SpecRow, specColumns, specOf } from "./read-job.ts";
import { recordWaits } from "./record-waits.ts";
import { startAttempts } from "./start-attempts.ts";
import { deliveryIds } from "./tell-receivers.ts";

/** Jobs as workers run them, and the leases by which workers own them. */
export function createWorkers(sql: Sql, settings: Batching): WorkerLedger {
  const loads = batching(
    settings,
    "load",
    (ids: readonly JobId[]) => load(sql, ids),
    () => 16,
  );
  const starts = batching(
    settings,
    "start",
    (items: readonly StartAttempt[]) => startAttempts(sql, items),
    () => 4096,
  );
  const moves = batching(settings, "settle", (items: readonly Move[]) => settleMoves(sql, items), moveSize);
  return {
    async register({ id, host, pid, leaseMs }) {
      // Registering again (the first answer was lost) works while the lease lives, and only then.
      await sql`
        INSERT INTO workers AS w (id, host, pid, lease_until)
        VALUES (${uuidOf("worker", id)}, ${host}, ${pid}, clock_timestamp() + ${leaseMs} * interval '1 millisecond')
        ON CONFLICT (id) DO UPDATE SET lease_until = EXCLUDED.lease_until WHERE w.lease_until > clock_timestamp()`;
    },
    async renewLease(id, leaseMs) {
      const rows = await retrying(
        () => sql`
          UPDATE workers SET lease_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
          WHERE id = ${uuidOf("worker", id)} AND lease_until > clock_timestamp() RETURNING id`,
      );
      return rows.length > 0;
    },
    async retire(id) {
      await sql`
        UPDATE workers SET lease_until = least(lease_until, clock_timestamp()) WHERE id = ${uuidOf("worker", id)}`;
    },
    async load(ids) {
      const found = await loads.add(ids);
      return found.filter((job) => job !== undefined);
    },
    recordWaits: (held) => recordWaits(sql, held),
    startAttempts: (items) => starts.add(items),
    settle: (settlements) => moves.add(settlements.map(settlingMove)),
    endUnstarted: (ends) => moves.add(ends.map(unstartedMove)),
  };
}

function settlingMove(settlement: Settlement): Move {
  const { jobId, epoch, workerId, endedAt, next } = settlement;
  const { outcome, targetId, statusCode, latencyMs, firstTokenMs, sentAt, usage, costUsd } = settlement;
  const attempt = { outcome, targetId, statusCode, latencyMs, firstTokenMs, sentAt, usage, costUsd };
  const to = next.kind === "wait" ? { ...next, state: "waiting" as const } : next;
  return { jobId, from: "running", epoch, workerId, at: endedAt, attempt, to };
}

/** A queued job that nothing can serve passes through `waiting` on its way to `dead`, within the one statement. */
function unstartedMove({ jobId, fromEpoch, endedAt, state, failure, lineBytes, ids }: UnstartedEnd): Move {
  const to = { state, result: undefined, failure, lineBytes, ids };
  return {
    jobId,
    from: "unstarted",
    epoch: fromEpoch,
    workerId: undefined,
    at: endedAt,
    attempt: undefined,
    to,
  };
}

async function settleMoves(sql: Sql, moves: readonly Move[]): Promise<SettleResult[]> {
  const moved = await moveJobs(sql, moves);
  return moves.map((_, index) => {
    const row = moved[index];
    if (row === undefined) return { kind: "fenced" };
    return { kind: "recorded", deliveryIds: deliveryIds(row.deliveries) };
  });
}

interface LoadedRow extends SpecRow {
  readonly state: JobToRun["state"];
  readonly epoch: number;
  readonly attempts: number;
  readonly failedTargets: string[];
  readonly ownerAlive: boolean;
  readonly notBeforeAt: number | null;
  readonly waitingFor: string | null;
  readonly maxSpendUsd: number | null;
  readonly keyUsdPerDay: number | null;
  readonly streamBegan: boolean;
}

async function load(sql: Sql, ids: readonly JobId[]): Promise<(JobToRun | undefined)[]> {
  const keys = ids.map((id) => uuidOf("job", id));
  const rows = await loadLive(sql, keys);
  const found = new Map(rows.map((row) => [row.id, row]));
  const missing = keys.filter((key) => !found.has(key));
  if (missing.length > 0) for (const row of await loadEnded(sql, missing)) found.set(row.id, row);
  return keys.map((key) => {
    const row = found.get(key);
    return row && jobToRun(row);
  });
}

function loadLive(sql: Sql, keys: readonly string[]) {
  return sql<LoadedRow[]>`
    SELECT ${sql.unsafe(liveSpecColumns)}, j.body, j.body_key, l.state, l.epoch, l.attempts,
      to_json(l.failed_targets) AS failed_targets, l.not_before_at, l.waiting_for,
      coalesce(w.lease_until > clock_timestamp(), false) AS owner_alive, b.max_spend_usd,
      k.usd_per_day AS key_usd_per_day,
      j.streamed AND EXISTS (SELECT FROM stream_events s WHERE s.job_id = l.id) AS stream_began
    FROM live_jobs l JOIN jobs j ON j.id = l.id LEFT JOIN workers w ON w.id = l.worker_id
      LEFT JOIN batches b ON b.id = l.batch_id LEFT JOIN api_keys k ON k.id = j.key_id
    WHERE l.id = ANY(${uuids(keys)}::uuid[]) AND j.id = ANY(${uuids(keys)}::uuid[])`;
}

function loadEnded(sql: Sql, keys: readonly string[]) {
  return sql<LoadedRow[]>`
    SELECT ${sql.unsafe(specColumns)}, o.state, o.epoch, o.attempts, '[]'::json AS failed_targets,
      NULL::timestamptz AS not_before_at, NULL AS waiting_for, false AS owner_alive,
      NULL AS max_spend_usd, NULL AS key_usd_per_day, false AS stream_began
    FROM outcomes o JOIN jobs j ON j.id = o.job_id
    WHERE o.job_id = ANY(${uuids(keys)}::uuid[]) AND j.id = ANY(${uuids(keys)}::uuid[])`;
}

function jobToRun(row: LoadedRow): JobToRun {
  const { state, epoch, attempts, failedTargets, ownerAlive } = row;
  const notBeforeAt = row.notBeforeAt ?? undefined;
  const waitingFor = row.waitingFor ?? undefined;
  const maxSpendUsd = row.maxSpendUsd ?? undefined;
  const keyUsdPerDay = row.keyUsdPerDay ?? undefined;
  const standing = { state, epoch, attempts, failedTargets, ownerAlive, notBeforeAt, waitingFor };
  const began = row.streamBegan ? { streamBegan: true } : {};
  return { ...specOf(row), ...standing, maxSpendUsd, keyUsdPerDay, ...began };
}
