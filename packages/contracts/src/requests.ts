import { fileLifeSeconds, type RoutingWishes } from "@sluice/domain";
import { z } from "zod";
import { isJsonObject } from "./parse-json.ts";
import { isStorable, notStorable } from "./storable-text.ts";
import { parseWith } from "./zod-errors.ts";

/** A text of at least one and at most `max` characters. */
export const text = (max: number) => z.string().min(1).max(max).refine(isStorable, { message: notStorable });

/** The same, or an empty one. */
export const optionalText = (max: number) => z.string().max(max).refine(isStorable, { message: notStorable });

/** OpenAI's limits: 16 pairs, keys up to 64, values up to 512 characters. */
export const metadataSchema = z
  .record(text(64), optionalText(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, { message: "at most 16 pairs are allowed" });

const ids = z.array(text(128)).min(1).max(100);

/** What a request may ask of routing. */
export const routingSchema = z.strictObject({
  pools: ids.optional(),
  targets: ids.optional(),
  region: text(64).optional(),
  max_price: z.number().nonnegative().optional(),
  sort: z.enum(["price", "latency", "throughput"]).optional(),
  exclude: ids.optional(),
});

/** What a webhook's body holds: `thin` names the object, `full` has it, up to 64 KiB. */
export const webhookPayloadSchema = z.enum(["thin", "full"]);

/** Body of `POST /v1/jobs`. */
export const jobRequestSchema = z.strictObject({
  endpoint: text(128),
  body: z.record(z.string(), z.unknown()),
  sla: text(64).optional(),
  deadline: text(64).optional(),
  priority: z.int().min(0).max(9).optional(),
  webhook_url: text(2048).optional(),
  webhook_payload: webhookPayloadSchema.optional(),
  metadata: metadataSchema.optional(),
  routing: routingSchema.optional(),
  max_attempts: z.int().min(1).max(20).optional(),
  on_ambiguous: z.enum(["retry", "fail"]).optional(),
});
export type JobRequest = z.infer<typeof jobRequestSchema>;

/** A line of `POST /v1/jobs/bulk`. */
export const bulkLineSchema = jobRequestSchema.extend({ idempotency_key: text(255).optional() });

const lifeSchema = z.strictObject({
  anchor: z.literal("created_at"),
  seconds: z.int().min(fileLifeSeconds.least).max(fileLifeSeconds.most),
});

/** Body of `POST /v1/batches`: OpenAI's fields and ours. */
export const batchRequestSchema = z.strictObject({
  input_file_id: text(64),
  endpoint: text(128),
  completion_window: text(32),
  metadata: metadataSchema.nullish(),
  output_expires_after: lifeSchema.nullish(),
  sla: text(64).optional(),
  priority: z.int().min(0).max(9).optional(),
  webhook_url: text(2048).optional(),
  webhook_payload: webhookPayloadSchema.optional(),
  webhook_jobs: z.boolean().optional(),
  routing: routingSchema.optional(),
  /** USD that all its calls together may cost. */
  max_spend_usd: z.number().positive().max(1_000_000_000).optional(),
  /** Share of the lines that have ended. */
  stop_on_error_rate: z.number().positive().max(1).optional(),
  /** An ended batch: its results stand in for lines that have the same custom_id and body. */
  resume_from: text(64).optional(),
});

/** The same for the lines of an ended batch that did not succeed: what it does not say is as there. */
const retryRequestSchema = batchRequestSchema
  .omit({ resume_from: true })
  .partial({ input_file_id: true, endpoint: true, completion_window: true })
  .extend({ retry_of: text(64) });

/** Both, for the description of the API. */
export const batchBodySchema = z.union([batchRequestSchema, retryRequestSchema]);

/** Reads the body of `POST /v1/batches`. Throws {@link SluiceError} naming the field at fault. */
export function parseBatchRequest(value: unknown): BatchRequest {
  const isRetry = isJsonObject(value) && value.retry_of !== undefined;
  return isRetry ? parseWith(retryRequestSchema, value) : parseWith(batchRequestSchema, value);
}

export type BatchRequest =
  | z.infer<typeof retryRequestSchema>
  | (z.infer<typeof batchRequestSchema> & { retry_of?: undefined });

export const pageFields = {
  after: optionalText(64).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
};

const jobListFields = {
  ...pageFields,
  order: z.enum(["asc", "desc"]).default("desc"),
  status: optionalText(200).optional(),
  batch_id: optionalText(64).optional(),
  model: optionalText(128).optional(),
  sla: optionalText(64).optional(),
};

/** Query of `GET /v1/jobs`; `metadata.KEY=VALUE` pairs come beside these. */
export const jobListQuerySchema = z
  .object(jobListFields)
  .catchall(optionalText(512))
  .superRefine((query, context) => {
    const keys = Object.keys(query).filter(
      (key) => !Object.hasOwn(jobListFields, key) && !key.startsWith("metadata."),
    );
    if (keys.length > 0) context.addIssue({ code: "unrecognized_keys", keys, input: query });
  });

/** Query of `GET /v1/jobs/{id}`: seconds to wait for the end, at most 60. */
export const jobQuerySchema = z.strictObject({ wait: z.coerce.number().min(0).max(60).optional() });

/** Query of `GET /v1/batches`. */
export const batchListQuerySchema = z.strictObject(pageFields);

/** Body of `POST /v1/messages/batches`, for those who read the API's description: it is taken apart while it comes. */
export const messageBatchBodySchema = z.strictObject({
  requests: z
    .array(
      z.strictObject({
        custom_id: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
        params: z.record(z.string(), z.unknown()),
      }),
    )
    .min(1),
});

/** Query of `GET /v1/messages/batches`; Anthropic's older client marks some of its calls with `beta`. */
export const messageBatchListQuerySchema = z
  .strictObject({
    before_id: optionalText(64).optional(),
    after_id: optionalText(64).optional(),
    limit: z.coerce.number().int().min(1).max(1_000).default(20),
    beta: optionalText(16).optional(),
  })
  .refine((query) => query.before_id === undefined || query.after_id === undefined, {
    path: ["before_id"],
    message: "cannot stand beside after_id",
  });

/** Query of `GET /v1/files`. */
export const fileListQuerySchema = z.strictObject({
  after: optionalText(64).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  order: z.enum(["asc", "desc"]).default("desc"),
  purpose: optionalText(64).optional(),
});

/** The wire's spelling of routing wishes to the domain's. */
export function routingWishes(routing: z.infer<typeof routingSchema> | undefined): RoutingWishes {
  if (routing === undefined) return {};
  const { max_price: maxPrice, ...rest } = routing;
  const wishes = { ...rest, ...(maxPrice === undefined ? {} : { maxPrice }) };
  return Object.fromEntries(
    Object.entries(wishes).filter(([, value]) => value !== undefined),
  ) as RoutingWishes;
}
