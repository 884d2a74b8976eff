import type { RoutingWishes } from "@sluice/domain";
import { z } from "zod";

/** OpenAI's limits: 16 pairs, keys up to 64, values up to 512 characters. */
export const metadataSchema = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, { message: "at most 16 pairs are allowed" });

const ids = z.array(z.string().min(1).max(128)).min(1).max(100);

/** What a request may ask of routing. */
export const routingSchema = z.strictObject({
  pools: ids.optional(),
  targets: ids.optional(),
  region: z.string().min(1).max(64).optional(),
  max_price: z.number().nonnegative().optional(),
  sort: z.enum(["price", "latency", "throughput"]).optional(),
  exclude: ids.optional(),
});

/** Body of `POST /v1/jobs`. */
export const jobRequestSchema = z.strictObject({
  endpoint: z.string().min(1).max(128),
  body: z.record(z.string(), z.unknown()),
  sla: z.string().min(1).max(64).optional(),
  deadline: z.string().min(1).max(64).optional(),
  priority: z.int().min(0).max(9).optional(),
  webhook_url: z.string().min(1).max(2048).optional(),
  metadata: metadataSchema.optional(),
  routing: routingSchema.optional(),
  max_attempts: z.int().min(1).max(20).optional(),
  on_ambiguous: z.enum(["retry", "fail"]).optional(),
});
export type JobRequest = z.infer<typeof jobRequestSchema>;

/** Body of `POST /v1/batches`: OpenAI's fields and ours. */
export const batchRequestSchema = z.strictObject({
  input_file_id: z.string().min(1).max(64),
  endpoint: z.string().min(1).max(128),
  completion_window: z.string().min(1).max(32),
  metadata: metadataSchema.nullish(),
  sla: z.string().min(1).max(64).optional(),
  priority: z.int().min(0).max(9).optional(),
  webhook_url: z.string().min(1).max(2048).optional(),
  webhook_jobs: z.boolean().optional(),
  routing: routingSchema.optional(),
});
export type BatchRequest = z.infer<typeof batchRequestSchema>;

const pageFields = {
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
};

/** Query of `GET /v1/jobs`; `metadata.KEY=VALUE` pairs come beside these. */
export const jobListQuerySchema = z
  .object({
    ...pageFields,
    order: z.enum(["asc", "desc"]).default("desc"),
    status: z.string().max(200).optional(),
    batch_id: z.string().max(64).optional(),
    model: z.string().max(128).optional(),
    sla: z.string().max(64).optional(),
  })
  .catchall(z.string().max(512));

/** Query of `GET /v1/jobs/{id}`: seconds to wait for the end, at most 60. */
export const jobQuerySchema = z.strictObject({ wait: z.coerce.number().min(0).max(60).optional() });

/** Query of `GET /v1/batches`. */
export const batchListQuerySchema = z.strictObject(pageFields);

/** Query of `GET /v1/files`. */
export const fileListQuerySchema = z.strictObject({
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  order: z.enum(["asc", "desc"]).default("desc"),
  purpose: z.string().max(64).optional(),
});

/** The wire's spelling of routing wishes to the domain's. */
export function routingWishes(routing: z.infer<typeof routingSchema> | undefined): RoutingWishes {
  if (routing === undefined) return {};
  const { max_price: maxPrice, ...rest } = routing;
  const wishes = { ...rest, ...(maxPrice === undefined ? {} : { maxPrice }) };
  return Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined)) as RoutingWishes;
}
