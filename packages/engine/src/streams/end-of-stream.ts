import {
  type Dialect,
  type Fields,
  formatStreamEnd,
  formatStreamEvent,
  isFields,
  type StreamEvent,
  streamEventsOf,
} from "@sluice/dialects";
import type { Job } from "@sluice/domain";
import { leadOfResponses } from "./attempt-stream.ts";

/** A stream whose job has ended. */
export interface EndedStream {
  readonly dialect: Dialect;
  readonly job: Pick<Job, "id" | "state" | "failure">;
  /** The answer of its upstream, parsed; of a response: the response as it is read by itself, however it ended. */
  readonly answer: Fields | undefined;
  /** Number of the last event that its worker committed; `undefined` when none was. */
  readonly last: number | undefined;
  /** Number of the last event that the client has. */
  readonly after: number;
  /** Whether a chat completion was asked to tell its usage. */
  readonly includesUsage: boolean;
}

/** What is still to be said after the events that a worker committed: the rest of the answer and its end, as text. */
export function endOfStream(ended: EndedStream): string {
  switch (ended.dialect) {
    case "chat":
      return endOfChat(ended);
    case "responses":
      return endOfResponse(ended);
    case "messages":
      return endOfMessage(ended);
  }
}

/** The events of a response that come before those of its worker: it begins when it is accepted. */
export function leadOfResponse(response: Fields, after: number): string {
  return ["response.created", "response.queued"]
    .map((type, number) => numbered(type, number, { response }))
    .slice(after + 1)
    .map(formatStreamEvent)
    .join("");
}

function endOfChat({ job, answer, last, includesUsage }: EndedStream): string {
  if (job.state !== "succeeded") return formatStreamEvent({ data: { error: errorOf(job, answer) } });
  const events =
    last === undefined
      ? streamEventsOf("chat", answer ?? {}, { includeUsage: includesUsage })
      : usageChunk(answer ?? {}, includesUsage);
  return events.map(formatStreamEvent).join("") + formatStreamEnd("chat");
}

function usageChunk({ id, created, model, usage }: Fields, isWanted: boolean): StreamEvent[] {
  if (!isWanted) return [];
  return [
    { data: { id, object: "chat.completion.chunk", created, model, choices: [], usage: usage ?? null } },
  ];
}

function endOfMessage({ job, answer, last }: EndedStream): string {
  if (job.state !== "succeeded") {
    const { message, type } = errorOf(job, answer);
    const error = { type: job.state === "failed" ? type : "api_error", message };
    return formatStreamEvent({ event: "error", data: { type: "error", error } });
  }
  const stop: StreamEvent = { event: "message_stop", data: { type: "message_stop" } };
  return (last === undefined ? streamEventsOf("messages", answer ?? {}) : [stop])
    .map(formatStreamEvent)
    .join("");
}

/** Numbers go on where the worker's end, so that a client may come back for the last one too. */
function endOfResponse({ job, answer = {}, last, after }: EndedStream): string {
  // Accepted as begun, and so told already.
  const [, ...whole] = streamEventsOf("responses", answer, { startAt: leadOfResponses - 1 });
  const end = whole.at(-1);
  const isWhole = last === undefined && job.state === "succeeded";
  const rest = isWhole || end === undefined ? whole : [renumbered(end, (last ?? leadOfResponses - 1) + 1)];
  return rest
    .filter(({ data }) => Number(data["sequence_number"]) > after)
    .map(formatStreamEvent)
    .join("");
}

function renumbered({ event, data }: StreamEvent, number: number): StreamEvent {
  return { ...(event === undefined ? {} : { event }), data: { ...data, sequence_number: number } };
}

function numbered(type: string, number: number, fields: Fields): StreamEvent {
  return { event: type, data: { type, sequence_number: number, ...fields } };
}

interface StreamError {
  readonly message: string;
  readonly type: string;
  readonly param: unknown;
  readonly code: unknown;
}

/** A refusal is told in the upstream's words. */
function errorOf({ failure }: EndedStream["job"], answer: Fields | undefined): StreamError {
  const said = isFields(answer?.["error"]) ? answer["error"] : {};
  return {
    message: failure?.message ?? textOr(said["message"], "The upstream refused the request."),
    type: failure === undefined ? textOr(said["type"], "invalid_request_error") : "server_error",
    param: said["param"] ?? null,
    code: failure?.code ?? said["code"] ?? null,
  };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
