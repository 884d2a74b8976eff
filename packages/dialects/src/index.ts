export { type Dialect, dialectOf, endpointOf } from "./dialect.ts";
export type { Fields } from "./fields.ts";
export type { Accumulated, Accumulator } from "./streams/accumulator.ts";
export { createAccumulator } from "./streams/create-accumulator.ts";
export {
  createServerSentEventParser,
  parseServerSentEvents,
  type ServerSentEvent,
  type ServerSentEventParser,
} from "./streams/server-sent-events.ts";
export { formatStreamEnd, formatStreamEvent, type StreamEvent } from "./streams/stream-event.ts";
export { type StreamOptions, streamEventsOf } from "./streams/stream-events-of.ts";
