import {
  type AppendChunk,
  type StreamChunk,
  type StreamNews,
  type StreamPlace,
  type StreamReaderLedger,
  type StreamWriterLedger,
  uuidOf,
} from "@sluice/domain";
import { type Batching, batching } from "./batching.ts";
import { named, retrying, type Sql } from "./client.ts";
import { type Column, parametersOf, unnest } from "./columns.ts";
import { oncePerJob } from "./once-per-job.ts";

/** Events of streams: workers append them, any API process reads them. */
export function createStreams(sql: Sql, settings: Batching): StreamWriterLedger & StreamReaderLedger {
  const appends = batching(
    settings,
    "stream",
    (chunks: readonly AppendChunk[]) => appendEvents(sql, chunks),
    ({ data }) => 256 + data.length,
  );
  return {
    appendEvents: (chunks) => appends.add(chunks),
    readStreams: (places) => readStreams(sql, places),
    async findLastEvent(jobId) {
      const [row] = await sql<{ lastNumber: number }[]>`
        SELECT last_number FROM stream_events WHERE job_id = ${uuidOf("job", jobId)}
        ORDER BY first_number DESC LIMIT 1`;
      return row?.lastNumber;
    },
    async dropEvents(jobId) {
      await sql`DELETE FROM stream_events WHERE job_id = ${uuidOf("job", jobId)}`;
    },
  };
}

const chunkColumns: readonly Column<AppendChunk>[] = [
  { name: "id", type: "uuid", value: (chunk) => uuidOf("job", chunk.jobId) },
  { name: "epoch", type: "int4", value: (chunk) => chunk.epoch },
  { name: "worker_id", type: "uuid", value: (chunk) => uuidOf("worker", chunk.workerId) },
  { name: "first_number", type: "int4", value: (chunk) => chunk.first },
  { name: "last_number", type: "int4", value: (chunk) => chunk.last },
  { name: "data", type: "bytea", value: (chunk) => chunk.data },
];

// The row of the job is held until the commit: whoever takes the job from this attempt waits for it and then sees the
// events, or has taken it before and lets nothing in.
const appendStatement = `
  WITH input AS MATERIALIZED (SELECT * FROM ${unnest(chunkColumns, "i")}),
  owned AS MATERIALIZED (
    SELECT i.ord FROM live_jobs l JOIN input i ON i.id = l.id
    WHERE l.id = ANY($1::uuid[]) AND l.epoch = i.epoch AND l.worker_id = i.worker_id AND l.state = 'running'
    FOR SHARE OF l
  ),
  written AS (
    INSERT INTO stream_events (job_id, epoch, first_number, last_number, data)
    SELECT i.id, i.epoch, i.first_number, i.last_number, i.data FROM input i JOIN owned USING (ord)
    ON CONFLICT (job_id, first_number) DO NOTHING
  )
  SELECT ord FROM owned`;

function appendEvents(sql: Sql, chunks: readonly AppendChunk[]): Promise<("written" | "fenced")[]> {
  return oncePerJob(chunks, async (sorted) => {
    const rows = await retrying(() =>
      sql.unsafe<{ ord: number }[]>(appendStatement, parametersOf(chunkColumns, sorted), named),
    );
    const owned = new Set(rows.map(({ ord }) => ord));
    return sorted.map((_, index) => (owned.has(index + 1) ? "written" : "fenced"));
  });
}

/** Chunks that one look takes of a stream; a chunk has some 64 KiB at most. */
const mostChunks = 16;

const placeColumns: readonly Column<StreamPlace>[] = [
  { name: "id", type: "uuid", value: ({ jobId }) => uuidOf("job", jobId) },
  { name: "after", type: "int4", value: ({ after }) => after },
];

// A stream whose job is gone (its retention is over) is over too.
const readStatement = `
  SELECT i.ord, l.id IS NULL AS has_ended, c.first_number, c.last_number, c.data
  FROM ${unnest(placeColumns, "i")}
  LEFT JOIN live_jobs l ON l.id = i.id
  LEFT JOIN LATERAL (
    SELECT s.first_number, s.last_number, s.data FROM stream_events s
    WHERE s.job_id = i.id AND s.last_number > i.after ORDER BY s.first_number LIMIT ${mostChunks}
  ) c ON true
  ORDER BY i.ord, c.first_number`;

interface ReadRow {
  readonly ord: number;
  readonly hasEnded: boolean;
  readonly firstNumber: number | null;
  readonly lastNumber: number | null;
  readonly data: Buffer | null;
}

async function readStreams(sql: Sql, places: readonly StreamPlace[]): Promise<StreamNews[]> {
  if (places.length === 0) return [];
  const rows = await sql.unsafe<ReadRow[]>(readStatement, parametersOf(placeColumns, places), named);
  const byOrd = Map.groupBy(rows, ({ ord }) => ord);
  return places.map((_, index) => newsOf(byOrd.get(index + 1) ?? []));
}

function newsOf(rows: readonly ReadRow[]): StreamNews {
  const chunks = rows.flatMap(chunkOf);
  return { chunks, isOver: (rows[0]?.hasEnded ?? true) && chunks.length < mostChunks };
}

function chunkOf({ firstNumber, lastNumber, data }: ReadRow): StreamChunk[] {
  if (firstNumber === null || lastNumber === null || data === null) return [];
  return [{ first: firstNumber, last: lastNumber, data }];
}
