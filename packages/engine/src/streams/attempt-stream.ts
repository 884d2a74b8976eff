import {
  type Accumulator,
  createAccumulator,
  type Dialect,
  dialectOf,
  type Fields,
  isFields,
} from "@sluice/dialects";
import {
  type AppendChunk,
  type EventSink,
  idFromUuid,
  type JobId,
  type JobToRun,
  type ServerSentEvent,
  type StreamProgress,
  uuidOf,
} from "@sluice/domain";
import { type ChunkWriter, type ChunkWriterPorts, createChunkWriter } from "./chunk-writer.ts";
import { judgeEvent } from "./judge-event.ts";

/** The stream of one attempt, from the upstream into the ledger. */
export interface AttemptStream {
  readonly sink: EventSink;
  /** Aborts (reason `cancelled`) when the job has gone on without this attempt. */
  readonly signal: AbortSignal;
  /** Commits what is left; what has come of the answer then. */
  close(ending: "complete" | "broken"): Promise<StreamedPart>;
}

export interface StreamedPart {
  /** Whether a client may have seen some of the answer. */
  readonly began: boolean;
  /** About how many tokens of the answer have come: upstreams send an event for each, or for a few. */
  readonly outputTokens: number;
}

/** Events that a response has before those of its upstream: `response.created` and `response.queued`. */
export const leadOfResponses = 2;

/** The stream of an attempt; `undefined` for a job whose client does not follow it. */
export function openAttemptStream(
  ports: ChunkWriterPorts,
  job: Pick<JobToRun, "id" | "endpoint" | "streamed">,
  attempt: Pick<AppendChunk, "epoch" | "workerId">,
): AttemptStream | undefined {
  const dialect = job.streamed === true ? dialectOf(job.endpoint) : undefined;
  if (dialect === undefined) return undefined;
  const firstNumber = dialect === "responses" ? leadOfResponses : 0;
  const writer = createChunkWriter(ports, { ...attempt, jobId: job.id }, firstNumber);
  const reading = createReading(dialect, writer, renderer(dialect, job.id, firstNumber));
  return {
    sink: { take: reading.take, end: reading.end, room: writer.room },
    signal: writer.fenced,
    close: async (ending) => ({ began: await writer.close(ending), outputTokens: reading.outputTokens() }),
  };
}

const more = (began: boolean): StreamProgress => ({ kind: "more", began });
const broken = (reason: string): StreamProgress => ({ kind: "broken", reason });

/** Passes events on from the first on that holds some of the answer: before that another target may be tried unseen. */
function createReading(
  dialect: Dialect,
  writer: ChunkWriter,
  render: (event: ServerSentEvent, data: Fields) => string,
) {
  const accumulator = createAccumulator(dialect);
  let held: string[] | undefined = [];
  let contents = 0;

  function pass(text: string): void {
    for (const before of held ?? []) writer.write(before);
    held = undefined;
    writer.write(text);
  }

  function take(event: ServerSentEvent): StreamProgress {
    if (event.data === "[DONE]") return endOf(accumulator);
    const data = parseFields(event.data);
    if (data === undefined) return broken("an event is not a JSON object");
    accumulator.add(data);
    switch (judgeEvent(dialect, data)) {
      case "error":
        return broken("it carries an error");
      case "last":
        return endOf(accumulator);
      case "aside":
        return more(false);
      case "preamble":
        if (held === undefined) writer.write(render(event, data));
        else held.push(render(event, data));
        return more(false);
      case "content":
        contents += 1;
        pass(render(event, data));
        return more(true);
    }
  }

  return { take, end: () => endOf(accumulator), outputTokens: () => contents };
}

function endOf(accumulator: Accumulator): StreamProgress {
  const accumulated = accumulator.read();
  switch (accumulated.kind) {
    case "complete":
      return { kind: "over", body: Buffer.from(JSON.stringify(accumulated.body)) };
    case "partial":
      return broken("the stream ended before it was complete");
    case "failed":
      return broken("it carries an error");
    case "malformed":
      return broken(accumulated.reason);
  }
}

function parseFields(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** How an event stands in the ledger: as it came, but for what is ours in the events of a response. */
function renderer(dialect: Dialect, jobId: JobId, firstNumber: number) {
  let number = firstNumber;
  return ({ name, data: text }: ServerSentEvent, data: Fields): string => {
    if (dialect !== "responses") return asText(name, text);
    const own = { ...withOwnId(data, jobId), sequence_number: number };
    number += 1;
    return asText(typeof data["type"] === "string" ? data["type"] : undefined, JSON.stringify(own));
  };
}

function withOwnId(data: Fields, jobId: JobId): Fields {
  const { response } = data;
  if (!isFields(response)) return data;
  return { ...data, response: { ...response, id: idFromUuid("response", uuidOf("job", jobId)) } };
}

/** One event as server-sent text. */
function asText(name: string | undefined, data: string): string {
  const lines = data.replaceAll("\n", "\ndata: ");
  return `${name === undefined ? "" : `event: ${name}\n`}data: ${lines}\n\n`;
}
