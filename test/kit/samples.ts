import { type Batch, type BatchCounts, idFromUuid, type Job, noUsage, tenantId } from "@sluice/domain";

/** The uuid in every sample's id. */
export const sampleUuid = "0198f3a0-0000-7000-8000-000000000000";
/** When every sample was accepted. */
export const sampleMoment = Date.UTC(2026, 10, 20, 15, 0, 0, 123);

/** A job that was just accepted: 15 minutes, one small prompt, no batch, no webhook. */
export const sampleJob: Job = {
  id: idFromUuid("job", sampleUuid),
  tenantId: tenantId("default"),
  model: "auto",
  endpoint: "/v1/responses",
  sla: "standard",
  priority: 3,
  acceptedAt: sampleMoment,
  deadlineAt: sampleMoment + 900_000,
  effectiveDeadlineAt: sampleMoment + 630_000,
  onMiss: "expire",
  onAmbiguous: "retry",
  maxAttempts: 5,
  body: { kind: "inline", bytes: Buffer.from('{"model":"auto","input":"SECRET"}') },
  inputTokens: 7,
  maxOutputTokens: undefined,
  capabilities: [],
  metadata: { a: "}" },
  routing: {},
  webhookUrl: undefined,
  traceparent: undefined,
  batchLine: undefined,
  state: "queued",
  attempts: 0,
  epoch: 0,
  notBeforeAt: undefined,
  finishedAt: undefined,
  result: undefined,
  failure: undefined,
  usage: undefined,
  costUsd: undefined,
  targetId: undefined,
};

/** Counts of a batch none of whose lines has ended. */
export const noCounts: BatchCounts = {
  total: 0,
  succeeded: 0,
  failed: 0,
  dead: 0,
  cancelled: 0,
  expired: 0,
  usage: noUsage,
  costUsd: 0,
  outputBytes: 0,
  errorBytes: 0,
};

/** A batch that was just created, for 24 hours. */
export const sampleBatch: Batch = {
  id: idFromUuid("batch", sampleUuid),
  tenantId: tenantId("default"),
  inputFileId: "file-in",
  outputFileId: "file-out",
  errorFileId: "file-err",
  endpoint: "/v1/responses",
  completionWindow: "24h",
  createdAt: sampleMoment,
  expiresAt: sampleMoment + 86_400_000,
  sla: "batch",
  priority: 0,
  onMiss: "expire",
  onAmbiguous: "retry",
  maxAttempts: 5,
  metadata: undefined,
  routing: {},
  webhookUrl: undefined,
  webhookJobs: false,
  traceparent: undefined,
  status: "validating",
  errors: [],
  counts: noCounts,
  inProgressAt: undefined,
  finalizingAt: undefined,
  completedAt: undefined,
  failedAt: undefined,
  expiredAt: undefined,
  cancellingAt: undefined,
  cancelledAt: undefined,
};
