// The client of Sluice. It imports none of the other packages and needs nothing installed.

export type { BulkOptions } from "./bulk.ts";
export {
  SluiceApiError,
  SluiceConnectionError,
  SluiceError,
  SluiceJobError,
  SluiceTimeoutError,
} from "./errors.ts";
export { hasEnded, resultOf } from "./job-status.ts";
export type { JobReference, Jobs, RunOptions, SubmitOptions } from "./jobs.ts";
export { Sluice, type SluiceOptions } from "./sluice.ts";
export type { StreamOptions } from "./stream-events.ts";
export type { CallOptions } from "./transport.ts";
export type {
  BulkAnswer,
  BulkError,
  BulkRequest,
  EndedJob,
  EndedJobStatus,
  Endpoint,
  ErrorBody,
  FailedJob,
  Feedback,
  FeedbackRequest,
  Job,
  JobEvent,
  JobFilter,
  JobOptions,
  JobRequest,
  JobResult,
  JobStatus,
  KnownEndpoint,
  ListedJob,
  LiveJob,
  LiveJobStatus,
  RoutingWishes,
  SucceededJob,
  UnansweredJob,
} from "./types.ts";
export type { Attempt, Route, RouteCandidate } from "./types-of-routes.ts";
export {
  type VerifyWebhookOptions,
  verifyWebhook,
  type WebhookFault,
  type WebhookHeaders,
  WebhookVerificationError,
} from "./verify-webhook.ts";
export type { WaitAllOptions, WaitOptions } from "./wait-for-job.ts";
export type {
  BatchWebhookEvent,
  EndpointWebhookEvent,
  JobWebhookEvent,
  ResponseWebhookEvent,
  WebhookEvent,
} from "./webhook-event.ts";
