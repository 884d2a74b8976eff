import { type Dialect, dialectOf, type Fields, isFields } from "@sluice/dialects";
import type { Job, JobId, Payload, TenantId } from "@sluice/domain";
import { bytesOf, endOfStream } from "@sluice/engine";
import type { FastifyReply } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { createEventStream, type EventStream } from "./event-stream.ts";

/** A client that waits longer for a first event gets the head of its answer, and comments, so that nothing cuts it off. */
const patienceMs = 15_000;

export interface StreamToServe {
  readonly tenantId: TenantId;
  readonly jobId: JobId;
  /** Number of the last event that the client has; -1 for none. */
  readonly after: number;
  /** What comes before the worker's events. */
  readonly lead: string;
  /** The client knows that its call is taken: it gets the lead at once. */
  readonly opensAtOnce: boolean;
  /** Aborts when the client is gone, the server stops or the wait for the first event is over. */
  readonly signal: AbortSignal;
  /** Called with the first event. */
  readonly onFirst: () => void;
  /** How the answer of an ended job is read by itself, parsed. */
  readonly answerOf: (job: Job) => Promise<Fields | undefined>;
}

export type ServedStream =
  | { readonly kind: "ended" }
  /** The job ended without an answer and nothing was sent: it may be told by a status still. */
  | { readonly kind: "unanswered"; readonly job: Job }
  /** The signal aborted; the head of the answer may have been sent. */
  | { readonly kind: "interrupted"; readonly events: EventStream };

type Ports = Pick<ApiPorts, "ledger" | "follower" | "clock" | "files" | "logger">;

/** Serves a job's events from the ledger while they come, and its end, no faster than the client reads them. */
export async function serveStream(
  ports: Ports,
  reply: FastifyReply,
  stream: StreamToServe,
): Promise<ServedStream> {
  const events = createEventStream(ports.clock, reply, stream.lead);
  if (stream.opensAtOnce) events.open();
  const stopWaiting = ports.clock.setTimer(patienceMs, () => events.open());
  const after = await passOn(ports, events, stream).finally(stopWaiting);
  if (after === undefined) return { kind: "interrupted", events };
  try {
    return await endStream(ports, events, stream, after);
  } catch (error) {
    if (!events.isOpen) throw error;
    ports.logger.warn({ jobId: stream.jobId, err: error }, "the end of a stream could not be told");
    events.cut();
    return { kind: "ended" };
  }
}

async function endStream(
  ports: Ports,
  events: EventStream,
  stream: StreamToServe,
  after: number,
): Promise<ServedStream> {
  const job = await ports.ledger.findJob(stream.tenantId, stream.jobId);
  if (job === undefined) throw new Error("a job whose stream is read is gone");
  if (!events.isOpen && job.state !== "succeeded") return { kind: "unanswered", job };
  await events.write(await restOf(ports, stream, job, after));
  events.end();
  return { kind: "ended" };
}

/** Sends what the worker commits; answers the number of the last event that was sent, `undefined` when interrupted. */
async function passOn(ports: Ports, events: EventStream, stream: StreamToServe): Promise<number | undefined> {
  let { after } = stream;
  for (;;) {
    const news = await ports.follower.next(stream.jobId, after, stream.signal);
    if (news === undefined) return undefined;
    if (news.chunks.length > 0) stream.onFirst();
    for (const { data, last } of news.chunks) {
      await events.write(data);
      after = last;
    }
    if (news.isOver) return after;
  }
}

async function restOf(ports: Ports, stream: StreamToServe, job: Job, after: number): Promise<string> {
  const dialect = requireDialect(job.endpoint);
  const last = await ports.ledger.findLastEvent(job.id);
  const answer = await stream.answerOf(job);
  const includesUsage = dialect === "chat" && (await asksForUsage(ports, job.body));
  return endOfStream({ dialect, job, answer, last, after, includesUsage });
}

async function asksForUsage(ports: Ports, body: Payload): Promise<boolean> {
  const options = (await parsePayload(ports, body))?.["stream_options"];
  return isFields(options) && options["include_usage"] === true;
}

/** A payload that is a JSON object. */
export async function parsePayload(
  ports: Pick<ApiPorts, "files">,
  payload: Payload | undefined,
): Promise<Fields | undefined> {
  if (payload === undefined) return undefined;
  const bytes = await bytesOf(payload, ports.files);
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return isFields(value) ? value : undefined;
  } catch {
    // A refusal may be of any form.
    return undefined;
  }
}

function requireDialect(endpoint: string): Dialect {
  const dialect = dialectOf(endpoint);
  if (dialect === undefined) throw new Error(`${endpoint} has no streams`);
  return dialect;
}
