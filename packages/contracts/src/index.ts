export {
  keyChangeSchema,
  keyListQuerySchema,
  keyRequestSchema,
  keyRotationSchema,
  type TenantSettingsFields,
  tenantChangeSchema,
  tenantListQuerySchema,
  tenantRequestSchema,
  tenantSettings,
} from "./access-requests.ts";
export { renderKey, renderTenant, type TenantView } from "./access-views.ts";
export type { BatchInputLine, ReadLine } from "./batch-line.ts";
export { bodyBytes, readBatchLine } from "./batch-line.ts";
export {
  deadLetterListQuerySchema,
  redriveRequestSchema,
  renderDeadLetter,
  renderDeadLetterGroup,
} from "./dead-letters.ts";
export { anthropicErrorType, renderAnthropicError, renderError } from "./error-envelope.ts";
export {
  feedbackSchema,
  jobEventsQuerySchema,
  renderFeedback,
  renderJobEvent,
} from "./job-events.ts";
export { findTopLevelSpans } from "./json-spans.ts";
export {
  keepRequest,
  type MessageBatchRequest,
  readKeptRequest,
  readMessageBatchRequest,
} from "./message-batches/kept-request.ts";
export {
  messageBatchId,
  messageResultsUrl,
  renderMessageBatch,
} from "./message-batches/render-message-batch.ts";
export { renderMessageResult, renderRefusal, renderUnrunResult } from "./message-batches/render-result.ts";
export { createRequestsReader } from "./message-batches/requests-reader.ts";
export type { ModelRequest } from "./model-request.ts";
export { knownEndpoints, readModelCall, readModelRequest } from "./model-request.ts";
export {
  modelPageSchema,
  renderAnthropicModel,
  renderAnthropicModels,
  renderModel,
  renderModels,
} from "./model-views.ts";
export { carriedLineBytes, failureLineBytes, jsonBody, lineBytes, renderLine } from "./output-line.ts";
export { isJsonObject, parseJson } from "./parse-json.ts";
export { shiftRequestSchema, targetWeightSchema } from "./pool-requests.ts";
export { poolView, targetView } from "./pool-view.ts";
export type { BatchRequest, JobRequest } from "./requests.ts";
export {
  batchBodySchema,
  batchListQuerySchema,
  batchRequestSchema,
  bulkLineSchema,
  fileListQuerySchema,
  jobListQuerySchema,
  jobQuerySchema,
  jobRequestSchema,
  messageBatchBodySchema,
  messageBatchListQuerySchema,
  metadataSchema,
  parseBatchRequest,
  routingSchema,
  routingWishes,
} from "./requests.ts";
export { continuedItems, renderInputItems } from "./responses/input-items.ts";
export {
  inputItemsQuerySchema,
  type ResponseRequest,
  readResponseRequest,
  responseQuerySchema,
  upstreamBytes,
} from "./responses/response-request.ts";
export { renderResponse, responseEnding, underOurId } from "./responses/response-view.ts";
export { completeUploadSchema, uploadRequestSchema } from "./upload-requests.ts";
export {
  type EstimateToRender,
  renderAccepted,
  renderBatch,
  renderFile,
  renderJob,
  renderList,
  renderPart,
  renderUpload,
} from "./views.ts";
export { renderRoute } from "./views-of-routes.ts";
export { renderWebhook } from "./webhook-event.ts";
export {
  deliveryListQuerySchema,
  replaySchema,
  rotateEndpointSecretSchema,
  rotateWebhookSecretSchema,
  testEndpointSchema,
  webhookEndpointListQuerySchema,
  webhookEndpointRequestSchema,
  webhookEndpointUpdateSchema,
} from "./webhook-requests.ts";
export { renderDelivery, renderWebhookEndpoint } from "./webhook-views.ts";
export { errorFromIssues, parseWith } from "./zod-errors.ts";
