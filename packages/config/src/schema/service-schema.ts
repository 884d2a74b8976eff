import type { z } from "zod";
import {
  duration,
  integerBetween,
  list,
  network,
  positiveInteger,
  positiveNumber,
  size,
  strict,
  text,
} from "./scalars.ts";

export const retrySchema = strict({
  max_attempts: integerBetween(1, 100).default(5).describe("Calls per job, the first included."),
  base: duration().prefault("500ms").describe("First delay; doubles with each attempt, jittered."),
  max: duration().prefault("60s").describe("Longest delay."),
}).refine(({ base, max }) => base <= max, { error: "must not exceed retry.max", path: ["base"] });

export const limitsSchema = strict({
  batch_file_bytes: size().prefault("200MB").describe("Largest batch file."),
  batch_lines: positiveInteger().default(50_000).describe("Most lines of a batch."),
  batch_embedding_inputs: positiveInteger().default(50_000).describe("Most inputs of a batch of embeddings."),
  message_batch_bytes: size().prefault("256MB").describe("Largest body that creates a message batch."),
  message_batch_requests: positiveInteger().default(100_000).describe("Most requests of a message batch."),
  job_body_bytes: size().prefault("16MB").describe("Largest body of a job."),
  queued_jobs: positiveInteger().default(5_000_000).describe("Most unfinished jobs of the cluster."),
});

const tenantLimits = strict({
  requests_per_minute: positiveInteger().optional().describe("Calls per sliding minute."),
  tokens_per_minute: positiveInteger().optional().describe("Tokens per sliding minute."),
  concurrency: positiveInteger().optional().describe("Calls at the same time."),
  enqueued_tokens: positiveInteger().optional().describe("Tokens of jobs that are not finished."),
  usd_per_day: positiveNumber().optional().describe("Spend per sliding day."),
  usd_per_day_per_key: positiveNumber().optional().describe("Spend of each API key per sliding day."),
});

/** One entry of `tenants`. */
export const tenantSchema = strict({
  weight: positiveNumber().default(1).describe("Share while tenants are backlogged."),
  limits: tenantLimits.prefault({}).describe("Absent limits are unlimited."),
  tags: list(text()).default([]).describe("Free labels that rules may read."),
  max_priority: integerBetween(0, 9).default(9).describe("Highest priority its jobs may ask for."),
});

export const webhooksSchema = strict({
  allow_networks: list(network()).default([]).describe("Private networks that webhook URLs may reach."),
  timeout: duration().prefault("15s").describe("Of one delivery."),
});

export const retentionSchema = strict({
  results: duration().prefault("30d").describe("How long jobs and results can be read."),
  files: duration().prefault("30d").describe("How long a batch's input file is kept that does not say."),
});

export type TenantInput = z.output<typeof tenantSchema>;
