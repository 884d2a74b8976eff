import type { Dialect } from "../dialect.ts";
import type { Fields } from "../fields.ts";
import { type ChatStreamOptions, chatEvents } from "./chat-events.ts";
import { messagesEvents } from "./messages-events.ts";
import { type ResponseStreamOptions, responsesEvents } from "./responses-events.ts";
import type { StreamEvent } from "./stream-event.ts";

/** `includeUsage` counts for chat completions, `startAt` for responses. */
export type StreamOptions = ChatStreamOptions & ResponseStreamOptions;

/**
 * The events that stream a complete answer, each piece of text as one delta: for a target that answers a streamed
 * request with plain JSON. `body` is a good answer of the dialect; taken together the events hold all of it.
 */
export function streamEventsOf(
  dialect: Dialect,
  body: Fields,
  options: StreamOptions = {},
): readonly StreamEvent[] {
  switch (dialect) {
    case "chat":
      return chatEvents(body, options);
    case "responses":
      return responsesEvents(body, options);
    case "messages":
      return messagesEvents(body);
  }
}
