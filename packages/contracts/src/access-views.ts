import type { ApiKey, StoredTenant, TenantConfig, TenantUse } from "@sluice/domain";
import { limitsView } from "./access-requests.ts";

const iso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

/** A key; `secret` only when it was just made. */
export function renderKey(
  key: ApiKey,
  now: number,
  secret?: string,
): Record<string, unknown> & { id: string } {
  return {
    id: key.id,
    object: "api_key",
    tenant: key.tenantId,
    name: key.name,
    admin: key.role === "admin",
    ...(secret === undefined ? {} : { key: secret }),
    hint: `…${key.hint}`,
    status: statusOf(key, now),
    limits: { usd_per_day: key.usdPerDay ?? null },
    created_at: iso(key.createdAt),
    last_used_at: iso(key.lastUsedAt),
    rotated_at: iso(key.rotatedAt),
    expires_at: iso(key.expiresAt),
    revoked_at: iso(key.revokedAt),
  };
}

function statusOf({ revokedAt, expiresAt }: ApiKey, now: number): "active" | "revoked" | "expired" {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && expiresAt <= now ? "expired" : "active";
}

/** A tenant with the settings that hold for it. */
export interface TenantView {
  readonly id: string;
  /** Where its settings are from; `default`: it has none of its own, those of the tenant `default` hold. */
  readonly source: "configuration" | "api" | "default";
  readonly settings: TenantConfig;
  readonly stored: StoredTenant | undefined;
  readonly use?: TenantUse;
}

/** A tenant, with what it uses where that was asked for. */
export function renderTenant({
  id,
  source,
  settings,
  stored,
  use,
}: TenantView): Record<string, unknown> & { id: string } {
  const disabled = settings.disabled === true;
  return {
    id,
    object: "tenant",
    source,
    status: disabled ? "disabled" : "enabled",
    weight: settings.weight,
    max_priority: settings.maxPriority,
    tags: settings.tags ?? [],
    limits: limitsView(settings.limits),
    created_at: iso(stored?.createdAt),
    updated_at: iso(stored?.updatedAt),
    disabled_at: disabled ? iso(stored?.disabledAt) : null,
    ...(use === undefined ? {} : { use: useView(use) }),
  };
}

function useView(use: TenantUse): Record<string, number> {
  return {
    usd_last_24_hours: use.usd,
    queued_jobs: use.queuedJobs,
    queued_tokens: use.queuedTokens,
    running_jobs: use.runningJobs,
    active_keys: use.liveKeys,
  };
}
