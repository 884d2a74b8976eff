import {
  type AttemptRecord,
  type EventIds,
  type JobFailure,
  type JobId,
  type JobResult,
  type ResponseEnding,
  type TerminalJobState,
  type Usage,
  uuidOf,
  type WorkerId,
} from "@sluice/domain";
import { named, retrying, type Sql, type Transaction } from "./client.ts";
import { type Column, parametersOf, unnest } from "./columns.ts";
import { leaderFence } from "./leadership.ts";
import { oncePerJob } from "./once-per-job.ts";
import { tellReceivers } from "./tell-receivers.ts";

/** One step of a live job out of an attempt or out of life; the only door to `waiting` and to every terminal state. */
export interface Move {
  readonly jobId: JobId;
  /** The states it may come from: `unstarted` is queued or waiting, `live` any. */
  readonly from: "running" | "unstarted" | "live";
  /** Must still be the job's; `undefined` matches any. */
  readonly epoch: number | undefined;
  /** Must still hold the job; `undefined` when none does or it does not matter. */
  readonly workerId: WorkerId | undefined;
  readonly at: number;
  /** The attempt that ends with this step. */
  readonly attempt: EndedAttempt | undefined;
  readonly to:
    | {
        readonly state: "waiting";
        readonly notBeforeAt: number;
        readonly avoidTarget: boolean;
        readonly spentAttempt: boolean;
      }
    | {
        readonly state: TerminalJobState;
        readonly result: JobResult | undefined;
        readonly failure: JobFailure | undefined;
        readonly responseEnding?: ResponseEnding | undefined;
        readonly lineBytes: number;
        readonly ids: EventIds;
      };
}

export interface EndedAttempt {
  readonly outcome: NonNullable<AttemptRecord["outcome"]>;
  readonly targetId: string;
  readonly statusCode: number | undefined;
  readonly latencyMs: number | undefined;
  readonly firstTokenMs?: number | undefined;
  readonly sentAt?: number | undefined;
  readonly usage: Usage | undefined;
  readonly costUsd: number | undefined;
}

/** A job as it stands after its move. */
export interface Moved {
  readonly ord: number;
  readonly id: string;
  readonly state: TerminalJobState | "waiting";
  readonly model: string;
  readonly effectiveDeadlineAt: number;
  readonly notBeforeAt: number | null;
  /** UUIDs of the deliveries that tell of its end. */
  readonly deliveries: readonly string[] | null;
}

const end = (move: Move) => (move.to.state === "waiting" ? undefined : move.to);
const wait = (move: Move) => (move.to.state === "waiting" ? move.to : undefined);
const body = (move: Move) => end(move)?.result?.body;

const moveColumns: readonly Column<Move>[] = [
  { name: "id", type: "uuid", value: (move) => uuidOf("job", move.jobId) },
  { name: "came_from", type: "text", value: (move) => move.from },
  { name: "epoch", type: "int4", value: (move) => move.epoch },
  { name: "worker_id", type: "uuid", value: (move) => move.workerId && uuidOf("worker", move.workerId) },
  { name: "at", type: "timestamptz", value: (move) => move.at },
  { name: "state", type: "text", value: (move) => move.to.state },
  { name: "outcome", type: "text", value: (move) => move.attempt?.outcome },
  { name: "target_id", type: "text", value: (move) => move.attempt?.targetId },
  { name: "status_code", type: "int4", value: (move) => move.attempt?.statusCode },
  { name: "latency_ms", type: "float8", value: (move) => move.attempt?.latencyMs },
  { name: "first_token_ms", type: "float8", value: (move) => move.attempt?.firstTokenMs },
  { name: "sent_at", type: "timestamptz", value: (move) => move.attempt?.sentAt },
  { name: "input_tokens", type: "int4", value: (move) => move.attempt?.usage?.inputTokens },
  { name: "output_tokens", type: "int4", value: (move) => move.attempt?.usage?.outputTokens },
  { name: "cached_input_tokens", type: "int4", value: (move) => move.attempt?.usage?.cachedInputTokens },
  { name: "reasoning_tokens", type: "int4", value: (move) => move.attempt?.usage?.reasoningTokens },
  { name: "cost_usd", type: "numeric", value: (move) => move.attempt?.costUsd },
  { name: "not_before_at", type: "timestamptz", value: (move) => wait(move)?.notBeforeAt },
  { name: "avoid_target", type: "bool", value: (move) => wait(move)?.avoidTarget ?? false },
  { name: "spent_attempt", type: "bool", value: (move) => wait(move)?.spentAttempt ?? true },
  { name: "result_status", type: "int4", value: (move) => end(move)?.result?.statusCode },
  { name: "content_type", type: "text", value: (move) => end(move)?.result?.contentType },
  { name: "upstream_request_id", type: "text", value: (move) => end(move)?.result?.upstreamRequestId },
  { name: "result_body", type: "bytea", value: (move) => inlineBytes(move) },
  { name: "result_key", type: "text", value: (move) => storedKey(move) },
  { name: "result_size", type: "int4", value: (move) => resultSize(move) },
  { name: "failure_code", type: "text", value: (move) => end(move)?.failure?.code },
  { name: "failure_message", type: "text", value: (move) => end(move)?.failure?.message },
  { name: "response_ending", type: "text", value: (move) => end(move)?.responseEnding },
  { name: "line_bytes", type: "int4", value: (move) => end(move)?.lineBytes ?? 0 },
  { name: "event_id", type: "uuid", value: (move) => eventId(move) },
  { name: "delivery_id", type: "uuid", value: (move) => deliveryId(move) },
];

function inlineBytes(move: Move): Buffer | undefined {
  const payload = body(move);
  return payload?.kind === "inline" ? payload.bytes : undefined;
}

function storedKey(move: Move): string | undefined {
  const payload = body(move);
  return payload?.kind === "stored" ? payload.key : undefined;
}

function resultSize(move: Move): number | undefined {
  const payload = body(move);
  return payload?.kind === "stored" ? payload.size : payload?.bytes.length;
}

function eventId(move: Move): string | undefined {
  const ids = end(move)?.ids;
  return ids && uuidOf("event", ids.eventId);
}

function deliveryId(move: Move): string | undefined {
  const ids = end(move)?.ids;
  return ids && uuidOf("delivery", ids.deliveryId);
}

/** Bytes of a row, for the bounds of a flush. */
export function moveSize(move: Move): number {
  return 512 + (inlineBytes(move)?.length ?? 0);
}

const leaderEpoch = `$${moveColumns.length + 1}::bigint`;

// CASE rather than AND and OR: the planner guesses that half of the rows pass, and so hashes what it joins them with.
// Of many conditions it would expect a single row, and compare each row of a flush with every other.
const holds = `l.id = i.id
      AND CASE
        WHEN i.epoch <> l.epoch OR i.worker_id <> l.worker_id THEN false
        WHEN i.worker_id IS NOT NULL AND l.worker_id IS NULL THEN false
        WHEN i.came_from = 'running' THEN l.state = 'running'
        WHEN i.came_from = 'unstarted' THEN l.state <> 'running'
        ELSE true
      END
      AND CASE WHEN ${leaderEpoch} IS NULL THEN true ELSE EXISTS (SELECT FROM leader) END`;

// A background response has an event of its own beside its job's; a webhook_url that came with it gets that one.
// Outcome, usage, counts, attempt and event commit together or not at all. What is not in `ended` or `waited` has
// been fenced: its attempt is closed as such, with what it cost, and its result is dropped.
const moveStatement = `
  WITH input AS MATERIALIZED (SELECT * FROM ${unnest(moveColumns, "i")}),
  leader AS (${leaderFence(leaderEpoch)}),
  ended AS (
    DELETE FROM live_jobs l USING input i WHERE i.state <> 'waiting' AND ${holds}
    RETURNING i.ord, l.id, i.state, l.model, l.effective_deadline_at, l.epoch, l.state AS was,
      l.attempts, l.tenant_id, l.batch_id, l.line, l.webhook_url, l.webhook_payload,
      l.response = 'background' AS in_background
  ),
  waited AS (
    UPDATE live_jobs l SET state = 'waiting', worker_id = NULL, not_before_at = i.not_before_at, waiting_for = NULL,
      attempts = l.attempts - CASE WHEN i.spent_attempt THEN 0 ELSE 1 END,
      failed_targets = CASE WHEN i.avoid_target THEN l.failed_targets || i.target_id ELSE l.failed_targets END
    FROM input i WHERE i.state = 'waiting' AND ${holds}
    RETURNING i.ord, l.id, i.state, l.model, l.effective_deadline_at, l.epoch
  ),
  outcome AS (
    INSERT INTO outcomes (job_id, batch_id, finished_at, line, epoch, attempts, status_code, input_tokens,
      output_tokens, cached_input_tokens, reasoning_tokens, result_size, cost_usd, state, target_id, content_type,
      upstream_request_id, failure_code, failure_message, result_body, result_key)
    SELECT e.id, e.batch_id, i.at, e.line, e.epoch, e.attempts, i.result_status, i.input_tokens,
      i.output_tokens, i.cached_input_tokens, i.reasoning_tokens, i.result_size, i.cost_usd, e.state, i.target_id,
      i.content_type, i.upstream_request_id, i.failure_code, i.failure_message, i.result_body, i.result_key
    FROM ended e JOIN input i USING (ord)
  ),
  closed AS (
    UPDATE attempts a SET ended_at = i.at, latency_ms = i.latency_ms, status_code = i.status_code,
      first_token_ms = i.first_token_ms, sent_at = i.sent_at, input_tokens = i.input_tokens, output_tokens = i.output_tokens, cached_input_tokens = i.cached_input_tokens,
      reasoning_tokens = i.reasoning_tokens, cost_usd = i.cost_usd,
      outcome = CASE WHEN g.ord IS NULL THEN 'fenced' ELSE coalesce(i.outcome, 'fenced') END
    FROM input i
    LEFT JOIN (SELECT ord, epoch, was FROM ended UNION ALL SELECT ord, epoch, 'running' FROM waited) g USING (ord)
    WHERE a.job_id = i.id AND a.epoch = coalesce(g.epoch, i.epoch) AND a.job_id = ANY($1)
      AND CASE
        WHEN i.outcome IS NULL AND g.was IS DISTINCT FROM 'running' THEN false
        WHEN i.worker_id <> a.worker_id THEN false
        ELSE a.outcome IS NULL OR a.outcome IN ('lost', 'fenced')
      END
  ),
  counted AS (
    INSERT INTO batch_counts (batch_id, succeeded, failed, dead, cancelled, expired, input_tokens, output_tokens,
      cached_input_tokens, reasoning_tokens, output_bytes, error_bytes, cost_usd)
    SELECT e.batch_id,
      count(*) FILTER (WHERE e.state = 'succeeded'), count(*) FILTER (WHERE e.state = 'failed'),
      count(*) FILTER (WHERE e.state = 'dead'), count(*) FILTER (WHERE e.state = 'cancelled'),
      count(*) FILTER (WHERE e.state = 'expired'),
      coalesce(sum(i.input_tokens), 0), coalesce(sum(i.output_tokens), 0),
      coalesce(sum(i.cached_input_tokens), 0), coalesce(sum(i.reasoning_tokens), 0),
      coalesce(sum(i.line_bytes) FILTER (WHERE e.state = 'succeeded'), 0),
      coalesce(sum(i.line_bytes) FILTER (WHERE e.state <> 'succeeded'), 0),
      coalesce(sum(i.cost_usd), 0)
    FROM ended e JOIN input i USING (ord) WHERE e.batch_id IS NOT NULL GROUP BY e.batch_id
  ),
  telling AS (
    SELECT i.event_id, i.delivery_id, e.tenant_id, 'job.' || e.state AS type, e.id AS object_id, i.at,
      CASE WHEN e.in_background THEN NULL ELSE e.webhook_url END AS webhook_url, e.webhook_payload, e.batch_id
    FROM ended e JOIN input i USING (ord)
    UNION ALL
    SELECT uuid_at(i.at), i.delivery_id, e.tenant_id, 'response.' || CASE e.state
        WHEN 'succeeded' THEN coalesce(i.response_ending, 'completed') WHEN 'cancelled' THEN 'cancelled'
        ELSE 'failed' END,
      e.id, i.at, e.webhook_url, e.webhook_payload, e.batch_id
    FROM ended e JOIN input i USING (ord) WHERE e.in_background
  ),
  ${tellReceivers("telling")},
  told_of AS MATERIALIZED (
    SELECT s.object_id, json_agg(d.id) AS deliveries
    FROM telling s JOIN told t USING (event_id), json_array_elements_text(t.deliveries) AS d (id)
    GROUP BY s.object_id
  )
  SELECT e.ord, e.id, e.state, e.model, e.effective_deadline_at, NULL AS not_before_at, t.deliveries
  FROM ended e JOIN input i USING (ord) LEFT JOIN told_of t ON t.object_id = e.id
  UNION ALL
  SELECT w.ord, w.id, w.state, w.model, w.effective_deadline_at, i.not_before_at, NULL
  FROM waited w JOIN input i USING (ord)`;

/**
 * Moves jobs in one statement; `undefined` for each that has gone on meanwhile. With a leader's epoch nothing
 * happens once that leadership is over.
 */
export function moveJobs(
  sql: Sql | Transaction,
  moves: readonly Move[],
  leader?: number,
): Promise<(Moved | undefined)[]> {
  return oncePerJob(moves, async (sorted) => {
    const parameters = [...parametersOf(moveColumns, sorted), leader ?? null];
    const rows = await retrying(() => sql.unsafe<Moved[]>(moveStatement, parameters, named));
    const byOrd = new Map(rows.map((row) => [row.ord, row]));
    return sorted.map((_, index) => byOrd.get(index + 1));
  });
}
