import type { Dialect } from "../dialect.ts";
import type { Fields } from "../fields.ts";

/** One event of a streamed answer, in the client's dialect. */
export interface StreamEvent {
  /** The name that stands in `event:`; chat completions have none. Equal to `data.type` where it is set. */
  readonly event?: string;
  readonly data: Fields;
}

/** An event as it goes onto the wire. */
export function formatStreamEvent({ event, data }: StreamEvent): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** What ends a stream on the wire after its last event: `[DONE]` of chat completions, nothing elsewhere. */
export function formatStreamEnd(dialect: Dialect): string {
  return dialect === "chat" ? "data: [DONE]\n\n" : "";
}

/** An event that is named by its type, as responses and messages have them. */
export function namedEvent(type: string, fields: Fields): StreamEvent {
  return { event: type, data: { type, ...fields } };
}
