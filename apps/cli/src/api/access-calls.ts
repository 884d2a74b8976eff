import type { ListView } from "./views.ts";

/** An API key as the API answers it; the fields that the commands read. */
export interface KeyView {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly admin: boolean;
  /** Only of one that was just made or rotated. */
  readonly key?: string;
  readonly hint: string;
  readonly status: string;
  readonly limits: { readonly usd_per_day: number | null };
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly expires_at: string | null;
}

/** Body of `POST /v1/keys`. */
export interface NewKey {
  readonly tenant?: string | undefined;
  readonly name: string;
  readonly admin?: boolean | undefined;
  readonly expires_at?: string | undefined;
  readonly expires_in?: string | undefined;
  readonly limits?: { readonly usd_per_day: number } | undefined;
}

/** A tenant as the API answers it. */
export interface TenantView {
  readonly id: string;
  readonly source: string;
  readonly status: string;
  readonly weight: number;
  readonly max_priority: number;
  readonly tags: readonly string[];
  readonly limits: Readonly<Record<string, number | null>>;
  readonly use?: {
    readonly usd_last_24_hours: number;
    readonly queued_jobs: number;
    readonly queued_tokens: number;
    readonly running_jobs: number;
    readonly active_keys: number;
  };
}

/** The fields of a tenant that an operator sets; a limit of null is taken away. */
export interface TenantFields {
  readonly weight?: number | undefined;
  readonly max_priority?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly limits?: Readonly<Record<string, number | null>> | undefined;
  readonly enabled?: boolean | undefined;
}

type Query = Readonly<Record<string, string | undefined>>;

/** The calls about keys; `tenant` names another tenant than that of the key which asks. */
export interface KeyCalls {
  create(key: NewKey): Promise<KeyView>;
  list(query: Query): Promise<ListView<KeyView>>;
  read(id: string, tenant: string | undefined): Promise<KeyView>;
  change(
    id: string,
    tenant: string | undefined,
    fields: {
      readonly name?: string | undefined;
      readonly limits?: { readonly usd_per_day: number | null } | undefined;
    },
  ): Promise<KeyView>;
  revoke(id: string, tenant: string | undefined): Promise<KeyView>;
  rotate(
    id: string,
    tenant: string | undefined,
    rotation: { readonly overlap?: string | undefined },
  ): Promise<KeyView>;
}

/** The calls about tenants. */
export interface TenantCalls {
  create(tenant: TenantFields & { readonly id: string }): Promise<TenantView>;
  list(query: Query): Promise<ListView<TenantView>>;
  read(id: string): Promise<TenantView>;
  change(id: string, fields: TenantFields): Promise<TenantView>;
}

type CallJson = <T>(path: string, call?: { method?: "POST" | "DELETE"; body?: string }) => Promise<T>;

/** Makes the calls; `json` calls the API, `queryString` writes a query. */
export function createKeyCalls(json: CallJson, queryString: (query: Query) => string): KeyCalls {
  const at = (id: string, tenant: string | undefined, step = "") =>
    `/v1/keys/${encodeURIComponent(id)}${step}${queryString({ tenant })}`;
  return {
    create: (key) => json("/v1/keys", { body: JSON.stringify(key) }),
    list: (query) => json(`/v1/keys${queryString(query)}`),
    read: (id, tenant) => json(at(id, tenant)),
    change: (id, tenant, fields) => json(at(id, tenant), { body: JSON.stringify(fields) }),
    revoke: (id, tenant) => json(at(id, tenant, "/revoke"), { method: "POST" }),
    rotate: (id, tenant, rotation) => json(at(id, tenant, "/rotate"), { body: JSON.stringify(rotation) }),
  };
}

/** The same for tenants. */
export function createTenantCalls(json: CallJson, queryString: (query: Query) => string): TenantCalls {
  const at = (id: string) => `/v1/tenants/${encodeURIComponent(id)}`;
  return {
    create: (tenant) => json("/v1/tenants", { body: JSON.stringify(tenant) }),
    list: (query) => json(`/v1/tenants${queryString(query)}`),
    read: (id) => json(at(id)),
    change: (id, fields) => json(at(id), { body: JSON.stringify(fields) }),
  };
}
