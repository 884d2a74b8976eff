import type { TenantConfig } from "../config-types.ts";
import type { ApiKeyId, TenantId } from "../ids.ts";
import type { Page } from "./ledger.ts";

export type KeyRole = "admin" | "member";

/** Whose a key is, and whether it still opens anything. */
export interface ApiKeyOwner {
  readonly keyId: string;
  readonly tenantId: TenantId;
  readonly role: KeyRole;
  /** What the key may spend a day, where that is not left to the configuration. */
  readonly usdPerDay: number | undefined;
  /** When it expires; of a secret that was rotated away, when its overlap ends. */
  readonly validUntil: number | undefined;
  readonly isRevoked: boolean;
}

/** A key as operators see it; of its secret only the last characters are known. */
export interface ApiKey {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly role: KeyRole;
  readonly name: string;
  readonly hint: string;
  readonly usdPerDay: number | undefined;
  readonly createdAt: number;
  /** At most about half a minute behind, while the API runs. */
  readonly lastUsedAt: number | undefined;
  readonly rotatedAt: number | undefined;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
}

/** A key to be made. `hint` is the last characters of its secret. */
export interface NewKey {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly role: KeyRole;
  readonly hash: Buffer;
  readonly hint: string;
  readonly name: string;
  readonly now: number;
}

/** What can be changed of a key; an absent field stays, `null` leaves its budget to the configuration. */
export interface KeyChange {
  readonly name?: string | undefined;
  readonly usdPerDay?: number | null | undefined;
}

/** A key's new secret. Those before it open until `oldUntil` at the latest. */
export interface KeyRotation {
  readonly hash: Buffer;
  readonly hint: string;
  readonly now: number;
  readonly oldUntil: number;
}

/** A tenant as the ledger keeps it. */
export interface StoredTenant {
  readonly id: TenantId;
  /** `undefined` when it was not made over the API. */
  readonly settings: TenantConfig | undefined;
  readonly createdAt: number;
  readonly updatedAt: number | undefined;
  readonly disabledAt: number | undefined;
}

/** A tenant's settings, and whether it is disabled. */
export interface TenantChange {
  readonly settings: TenantConfig;
  readonly disabled: boolean;
}

/** What a tenant uses. */
export interface TenantUse {
  /** Of calls since the moment asked for; those under way count with the most that they may cost. */
  readonly usd: number;
  readonly queuedJobs: number;
  /** Prompt and expected answer of its queued jobs. */
  readonly queuedTokens: number;
  readonly runningJobs: number;
  /** Keys that still open something. */
  readonly liveKeys: number;
}

/** A new signing secret. Those before it sign until `oldUntil` at the latest. */
export interface SecretRotation {
  readonly secret: string;
  readonly now: number;
  readonly oldUntil: number;
}

/** Tenants, their API keys and webhook secrets. */
export interface TenantLedger {
  /** Creates the tenant if it is not there. */
  ensureTenant(id: TenantId, now: number): Promise<void>;
  /** Makes a key, unless its secret is that of a key, or was before a rotation. */
  ensureKey(key: NewKey): Promise<void>;
  findKey(hash: Buffer): Promise<ApiKeyOwner | undefined>;
  createKey(
    key: NewKey & {
      readonly usdPerDay?: number | undefined;
      readonly expiresAt?: number | undefined;
    },
  ): Promise<void>;
  findApiKey(tenant: TenantId, id: ApiKeyId): Promise<ApiKey | undefined>;
  listKeys(tenant: TenantId, page: Page): Promise<ApiKey[]>;
  changeKey(tenant: TenantId, id: ApiKeyId, change: KeyChange): Promise<ApiKey | undefined>;
  /** Ends a key for good; one that is revoked already stays as it is. */
  revokeKey(tenant: TenantId, id: ApiKeyId, now: number): Promise<ApiKey | "last-admin" | undefined>;
  /** Gives a key another secret; `ended` when it is revoked or has expired. */
  rotateKey(tenant: TenantId, id: ApiKeyId, rotation: KeyRotation): Promise<ApiKey | "ended" | undefined>;
  /** Keeps the latest use of each key. */
  recordKeyUse(uses: readonly { readonly keyId: string; readonly at: number }[]): Promise<void>;
  /** Grows with each change of a tenant, and of a key that ends or changes. */
  accessVersion(): Promise<number>;
  /** The tenants that were made over the API. */
  madeTenants(): Promise<StoredTenant[]>;
  findTenant(id: TenantId): Promise<StoredTenant | undefined>;
  /** All that the ledger knows, by name. */
  listTenants(page: Page): Promise<StoredTenant[]>;
  /** Makes a tenant; `false` when one of that name was made before. */
  createTenant(id: TenantId, settings: TenantConfig, now: number): Promise<boolean>;
  /** Changes a tenant that the ledger knows by what `change` makes of it. */
  changeTenant(
    id: TenantId,
    change: (tenant: StoredTenant) => TenantChange,
    now: number,
  ): Promise<StoredTenant | undefined>;
  tenantUse(id: TenantId, since: number, now: number): Promise<TenantUse>;
  /** The tenant's webhook signing secrets, newest first; made on first use by `create`. */
  webhookSecrets(tenant: TenantId, create: () => string, now: number): Promise<string[]>;
  /** Makes `secret` the newest; `false` when too many older ones would still sign. */
  rotateWebhookSecret(tenant: TenantId, rotation: SecretRotation): Promise<boolean>;
}
