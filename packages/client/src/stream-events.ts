import { SluiceApiError, SluiceConnectionError } from "./errors.ts";
import { messagesOf } from "./event-stream.ts";
import { isEndStatus } from "./job-status.ts";
import { createRetrier, outageMs, type Retrier } from "./retry.ts";
import type { CallOptions, OpenAnswer, Transport } from "./transport.ts";
import type { JobEvent } from "./types.ts";

/** Options of a stream. */
export interface StreamOptions extends CallOptions {
  /** Only what came after the event of this id. */
  lastEventId?: string | undefined;
}

/** How often the API says that it is still there. */
const heartbeatMs = 15_000;

interface Stream {
  readonly transport: Transport;
  readonly id: string;
  readonly signal: AbortSignal | undefined;
  readonly retrier: Retrier;
  /** Id of the last event that was given on. */
  last: string | undefined;
}

/**
 * The changes of a job's state up to its end, each once, over as many connections as it takes. A connection that is
 * silent for longer than the API's heartbeats and the client's own `timeoutMs` is taken for lost.
 */
export async function* streamEvents(
  transport: Transport,
  id: string,
  { lastEventId: last, signal }: StreamOptions,
): AsyncGenerator<JobEvent, void, undefined> {
  const { runtime } = transport.options;
  const retrier = createRetrier({ runtime, signal, outageMs });
  const stream: Stream = { transport, id, signal, last, retrier };
  for (;;) {
    const answer = await connect(stream);
    if (answer === "over" || (yield* readOn(stream, answer))) return;
    await stream.retrier.failed(new SluiceConnectionError(`the events of ${id} broke off`));
  }
}

async function connect({ transport, id, signal, retrier, last }: Stream): Promise<OpenAnswer | "over"> {
  const path = `/v1/jobs/${encodeURIComponent(id)}/events`;
  const headers = { accept: "text/event-stream", ...(last === undefined ? {} : { "last-event-id": last }) };
  for (;;) {
    try {
      const answer = await transport.open({ path, headers, signal, waitMs: heartbeatMs });
      if (answer.response.status !== 204) return answer;
      answer.limit.clear();
      return "over";
    } catch (error) {
      await retrier.failed(error);
    }
  }
}

/** Gives on the events of one connection, and answers whether the last of them was the job's last. */
async function* readOn(stream: Stream, answer: OpenAnswer): AsyncGenerator<JobEvent, boolean, undefined> {
  const messages = messagesOf(signsOfLife(stream, answer));
  try {
    for (;;) {
      const message = await messages.next().catch((error: unknown) => {
        throw stream.transport.explain(error, stream.signal);
      });
      if (message.done) return false;
      const event = eventOf(message.value, stream.last);
      if (event === undefined) continue;
      stream.last = event.id;
      stream.retrier.succeeded();
      yield event;
      if (isEndStatus(event.status)) return true;
    }
  } catch (error) {
    if (error instanceof SluiceConnectionError && !(error instanceof SluiceApiError)) return false;
    throw error;
  } finally {
    answer.limit.clear();
    await messages.return(undefined).catch(() => undefined);
  }
}

function eventOf({ id, data }: { id: string | undefined; data: string }, last: string | undefined) {
  if (id === undefined || (last !== undefined && Number(id) <= Number(last))) return undefined;
  return { id, ...(JSON.parse(data) as Omit<JobEvent, "id">) };
}

/** The first bytes of a connection say little; those that follow say that all is well, be it only comments. */
async function* signsOfLife(
  { retrier }: Stream,
  { response, limit }: OpenAnswer,
): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const part of response.body ?? []) {
    limit.restart();
    if (!isFirst) retrier.succeeded();
    isFirst = false;
    yield part;
  }
}
