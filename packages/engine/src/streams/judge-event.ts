import { type Dialect, type Fields, isFields, objectsOf } from "@sluice/dialects";

/** What one event of an upstream's stream is for whoever passes the stream on. */
export type EventKind =
  /** Says how the answer begins, holds none of it. */
  | "preamble"
  /** Some of the answer. */
  | "content"
  /** Ends the answer well; Sluice says that itself, once the outcome is committed. */
  | "last"
  /** The upstream failed in the middle. */
  | "error"
  /** For Sluice alone, or of no meaning: the client is not to see it. */
  | "aside";

/** What the data of an event is, by the dialect of the stream. */
export function judgeEvent(dialect: Dialect, data: Fields): EventKind {
  switch (dialect) {
    case "chat":
      return judgeChunk(data);
    case "responses":
      return judgeResponseEvent(typeOf(data));
    case "messages":
      return judgeMessageEvent(typeOf(data));
  }
}

/** An object may have a `toString` of its own: it is the upstream's choice. */
function typeOf({ type }: Fields): string {
  return typeof type === "string" ? type : "";
}

function judgeChunk({ choices, error, usage }: Fields): EventKind {
  if (error !== undefined && error !== null) return "error";
  const all = objectsOf(choices);
  // It is asked for by Sluice; a client that asks for it too gets it with the end.
  if (all.length === 0 && isFields(usage)) return "aside";
  return all.some(holdsContent) ? "content" : "preamble";
}

function holdsContent({ delta, finish_reason: finish }: Fields): boolean {
  if (finish !== undefined && finish !== null) return true;
  if (!isFields(delta)) return false;
  return Object.entries(delta).some(([name, value]) => name !== "role" && !isEmpty(value));
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0)
  );
}

/** Those that Sluice tells itself, because the response's life begins before the upstream hears of it. */
const toldBySluice: ReadonlySet<string> = new Set(["response.created", "response.queued", "keepalive"]);
const lastOfResponses: ReadonlySet<string> = new Set(["response.completed", "response.incomplete"]);
const failuresOfResponses: ReadonlySet<string> = new Set(["error", "response.failed", "response.cancelled"]);

function judgeResponseEvent(type: string): EventKind {
  if (toldBySluice.has(type)) return "aside";
  if (lastOfResponses.has(type)) return "last";
  if (failuresOfResponses.has(type)) return "error";
  return type.endsWith(".delta") || type.endsWith(".done") ? "content" : "preamble";
}

function judgeMessageEvent(type: string): EventKind {
  switch (type) {
    case "ping":
      return "aside";
    case "error":
      return "error";
    case "message_stop":
      return "last";
    case "message_start":
    case "content_block_start":
      return "preamble";
    default:
      return "content";
  }
}
