export type { AnswerDefaults } from "./answers/neutral-answer.ts";
export {
  type AnswerToTranslate,
  type TranslatedAnswer,
  translateAnswer,
} from "./answers/translate-answer.ts";
export { type ErrorToTranslate, translateError } from "./answers/translate-error.ts";
export { type Dialect, dialectOf, endpointOf } from "./dialect.ts";
export { type Fields, isFields, objectsOf } from "./fields.ts";
export {
  createStreamTranslator,
  type StreamToTranslate,
  type StreamTranslator,
  type TranslatedEvents,
} from "./live/translate-stream.ts";
export { type CallPlan, mayServe, needsTranslation, planCall } from "./requests/plan-call.ts";
export type { Refusal } from "./requests/refusals.ts";
export {
  defaultMaxTokens,
  type RequestToTranslate,
  type TranslatedRequest,
  translateRequest,
} from "./requests/translate-request.ts";
export type { Accumulated, Accumulator } from "./streams/accumulator.ts";
export { createAccumulator } from "./streams/create-accumulator.ts";
export { createServerSentEventParser } from "./streams/server-sent-events.ts";
export { formatStreamEnd, formatStreamEvent, type StreamEvent } from "./streams/stream-event.ts";
export { type StreamOptions, streamEventsOf } from "./streams/stream-events-of.ts";
