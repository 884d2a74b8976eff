import type { TenantConfig } from "@sluice/domain";
import { z } from "zod";
import { optionalText, pageFields, text } from "./requests.ts";

const usd = z.number().positive();
const whole = z.int().positive();

/** Body of `POST /v1/keys`. Without an end it opens until it is revoked. */
export const keyRequestSchema = z.strictObject({
  /** Whose it is; that of the key that asks, or of `?tenant=`, when absent. */
  tenant: text(64).optional(),
  name: text(256),
  admin: z.boolean().default(false),
  /** RFC 3339. */
  expires_at: text(64).optional(),
  /** A duration from now. */
  expires_in: text(32).optional(),
  limits: z.strictObject({ usd_per_day: usd.optional() }).default({}),
});

/** Body of `POST /v1/keys/{id}`: what is absent stays; a budget of `null` leaves it to the configuration. */
export const keyChangeSchema = z.strictObject({
  name: text(256).optional(),
  limits: z.strictObject({ usd_per_day: usd.nullable().optional() }).optional(),
});

/** Body of `POST /v1/keys/{id}/rotate`: how long the old secret opens too; `0s` ends it at once. */
export const keyRotationSchema = z.strictObject({ overlap: text(32).default("24h") });

/** Query of `GET /v1/keys`. */
export const keyListQuerySchema = z.strictObject({
  ...pageFields,
  order: z.enum(["asc", "desc"]).default("desc"),
});

/** Query of `GET /v1/tenants`, by name. */
export const tenantListQuerySchema = z.strictObject({
  ...pageFields,
  after: optionalText(64).optional(),
  order: z.enum(["asc", "desc"]).default("asc"),
});

const limitFields = {
  requests_per_minute: whole,
  tokens_per_minute: whole,
  concurrency: whole,
  enqueued_tokens: whole,
  usd_per_day: usd,
  usd_per_day_per_key: usd,
};

const settingFields = {
  weight: z.number().positive().optional(),
  max_priority: z.int().min(0).max(9).optional(),
  tags: z.array(text(128)).max(100).optional(),
};

/** Body of `POST /v1/tenants`: a name and the fields of `tenants` in sluice.yaml. */
export const tenantRequestSchema = z.strictObject({
  id: text(64),
  ...settingFields,
  limits: z.strictObject(limitFields).partial().optional(),
});

/** Body of `POST /v1/tenants/{id}`: what is absent stays; `null` takes a limit away. */
export const tenantChangeSchema = z.strictObject({
  ...settingFields,
  limits: z.strictObject(mapped(limitFields, (field) => field.nullable().optional())).optional(),
  /** `false` disables it: its keys open nothing. */
  enabled: z.boolean().optional(),
});

function mapped<K extends string, T, R>(fields: Record<K, T>, change: (field: T) => R): Record<K, R> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, change(field as T)]),
  ) as Record<K, R>;
}

/** What the bodies of both calls say of a tenant's settings. */
export type TenantSettingsFields = Omit<z.infer<typeof tenantChangeSchema>, "enabled">;

const limitNames = {
  requests_per_minute: "requestsPerMinute",
  tokens_per_minute: "tokensPerMinute",
  concurrency: "concurrency",
  enqueued_tokens: "enqueuedTokens",
  usd_per_day: "usdPerDay",
  usd_per_day_per_key: "usdPerDayPerKey",
} as const satisfies Record<keyof typeof limitFields, keyof TenantConfig["limits"]>;

/** The settings that `fields` make of those `before`; without any, of the defaults of sluice.yaml. */
export function tenantSettings(fields: TenantSettingsFields, before?: TenantConfig): TenantConfig {
  const { weight = 1, maxPriority = 9, tags = [], limits = {} } = before ?? {};
  return {
    weight: fields.weight ?? weight,
    maxPriority: fields.max_priority ?? maxPriority,
    tags: fields.tags ?? tags,
    limits: limitsOf(fields.limits ?? {}, limits),
  };
}

function limitsOf(
  asked: NonNullable<TenantSettingsFields["limits"]>,
  before: TenantConfig["limits"],
): TenantConfig["limits"] {
  const limits: Record<string, number> = { ...before };
  for (const [name, field] of Object.entries(limitNames)) {
    const value = asked[name as keyof typeof limitNames];
    if (value === null) delete limits[field];
    else if (value !== undefined) limits[field] = value;
  }
  return limits;
}

/** A tenant's limits as the wire spells them; unlimited ones are null. */
export function limitsView(limits: TenantConfig["limits"]): Record<string, number | null> {
  return Object.fromEntries(Object.entries(limitNames).map(([name, field]) => [name, limits[field] ?? null]));
}
