import { z } from "zod";
import { modelSchema, policySchema, slaClassSchema } from "./model-schema.ts";
import { poolSchema } from "./pool-schema.ts";
import { providerSchema } from "./provider-schema.ts";
import { named, says, someNamed, strict } from "./scalars.ts";
import {
  limitsSchema,
  retentionSchema,
  retrySchema,
  tenantSchema,
  webhooksSchema,
} from "./service-schema.ts";

/** The classes of a file that defines none. */
const builtInSlaClasses = {
  interactive: { deadline: "30s" },
  standard: { deadline: "15m", default: true, on_miss: "best_effort" },
  batch: { deadline: "24h" },
} as const;

/** The shape of `sluice.yaml`; its output has durations in ms, sizes in bytes and every default. */
export const sluiceSchema = strict({
  version: z.literal(1, says("must be 1")).describe("Of this format."),
  providers: someNamed(providerSchema).describe("Where calls go, and with which credential."),
  pools: someNamed(poolSchema).describe("Interchangeable targets that serve one logical model."),
  sla_classes: named(slaClassSchema)
    .prefault(structuredClone(builtInSlaClasses))
    .describe("What a job's sla tag may say."),
  models: someNamed(modelSchema).describe("What a client writes in model: an alias with its policy."),
  policies: named(policySchema).prefault({}).describe("How a target is chosen among those that can serve."),
  retry: retrySchema.prefault({}).describe("When a call is tried again."),
  limits: limitsSchema.prefault({}).describe("Of what the cluster accepts."),
  tenants: named(tenantSchema).prefault({}).describe("More are made over the API."),
  webhooks: webhooksSchema.prefault({}).describe("Deliveries of events."),
  retention: retentionSchema.prefault({}).describe("How long things are kept."),
});

export type SluiceInput = z.output<typeof sluiceSchema>;
