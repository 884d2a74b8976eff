export { parseJson, isJsonObject } from "./parse-json.ts";
export { errorFromIssues, parseWith } from "./zod-errors.ts";
export {
  batchListQuerySchema,
  batchRequestSchema,
  fileListQuerySchema,
  jobListQuerySchema,
  jobQuerySchema,
  jobRequestSchema,
  metadataSchema,
  routingSchema,
  routingWishes,
} from "./requests.ts";
export type { BatchRequest, JobRequest } from "./requests.ts";
export { knownEndpoints, readModelRequest } from "./model-request.ts";
export type { ModelRequest } from "./model-request.ts";
export { bodyBytes, readBatchLine } from "./batch-line.ts";
export type { BatchInputLine, ReadLine } from "./batch-line.ts";
export { failureLineBytes, jsonBody, lineBytes, renderLine } from "./output-line.ts";
export { renderAccepted, renderBatch, renderFile, renderJob, renderList } from "./views.ts";
export { renderWebhook } from "./webhook-event.ts";
export { renderError } from "./error-envelope.ts";
export { findTopLevelSpans } from "./json-spans.ts";
