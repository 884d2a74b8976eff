import {
  type Batch,
  type BatchCounts,
  type EngineConfig,
  idFromUuid,
  type Job,
  noUsage,
  type Target,
  tenantId,
} from "@sluice/domain";

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
  candidateSet: "set",
  tokens: 519,
  keyId: undefined,
  estimate: undefined,
  state: "queued",
  attempts: 0,
  epoch: 0,
  notBeforeAt: undefined,
  waitingFor: undefined,
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
  dialect: "openai",
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
  keyId: undefined,
  maxSpendUsd: undefined,
  stopOnErrorRate: undefined,
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

/** A target that serves chat, responses and embeddings, without limits. */
export function sampleTarget(id: string, changes: Partial<Target> = {}): Target {
  return {
    id,
    pool: "main",
    provider: "sim",
    model: `${id}-model`,
    weight: 1,
    limits: {},
    price: { input: 1, cachedInput: 0.5, output: 2 },
    contextWindow: 10_000,
    maxOutputTokens: 4_096,
    endpoints: ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"],
    capabilities: [],
    tags: [],
    ...changes,
  };
}

/** Model `auto` over pool `main` with these targets, classes `standard` (15 min) and `batch` (24 h), one tenant. */
export function sampleConfig(
  targets: readonly Target[] = [sampleTarget("one"), sampleTarget("two")],
  changes: Partial<EngineConfig> = {},
): EngineConfig {
  const lasting = { onMiss: "expire", admission: "flag", onAmbiguous: "retry" } as const;
  return {
    hash: "hash",
    pools: { main: { name: "main", targets } },
    models: { auto: { name: "auto", pools: ["main"], fallback: [], policy: "balanced" } },
    policies: {},
    retry: { maxAttempts: 3, baseMs: 500, maxMs: 60_000 },
    slaClasses: {
      standard: { name: "standard", deadlineMs: 900_000, isDefault: true, ...lasting },
      batch: { name: "batch", deadlineMs: 86_400_000, isDefault: false, ...lasting },
    },
    tenants: { default: { weight: 1, limits: {}, maxPriority: 9 } },
    limits: {
      batchFileBytes: 200_000_000,
      batchLines: 50_000,
      batchEmbeddingInputs: 50_000,
      jobBodyBytes: 1_000_000,
      queuedJobs: 5_000_000,
    },
    ...changes,
  };
}
