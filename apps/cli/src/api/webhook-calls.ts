import type { ListView } from "./views.ts";

/** An endpoint as the API answers it; the fields that the commands read. */
export interface EndpointView {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly event_types: readonly string[];
  readonly webhook_payload: string;
  readonly status: string;
  readonly disabled_reason: string | null;
  readonly failing_since: number | null;
  readonly signing_secret_hint: string | null;
  /** Only of one that was just made or rotated. */
  readonly signing_secret?: string;
}

/** A delivery of `GET /v1/webhook_endpoints/{id}/deliveries`. */
export interface DeliveryView {
  readonly id: string;
  readonly status: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly object_id: string;
  readonly url: string;
  readonly next_attempt_at: string | null;
  readonly status_code: number | null;
  readonly latency_ms: number | null;
  readonly error: string | null;
  readonly response: string | null;
  readonly attempts: readonly unknown[];
}

/** The fields of an endpoint that a caller sets. */
export interface EndpointChange {
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  readonly event_types?: readonly string[] | undefined;
  readonly webhook_payload?: string | undefined;
  readonly enabled?: boolean | undefined;
}

type Query = Readonly<Record<string, string | undefined>>;

/** The calls about webhooks. */
export interface WebhookCalls {
  list(query: Query): Promise<ListView<EndpointView>>;
  create(endpoint: EndpointChange): Promise<EndpointView>;
  update(id: string, change: EndpointChange): Promise<EndpointView>;
  delete(id: string): Promise<{ readonly id: string }>;
  rotate(id: string, keepOld: boolean): Promise<EndpointView>;
  /** Sends a test event and waits for the answer's status. */
  ping(id: string, eventType: string): Promise<{ readonly status_code: number; readonly event_type: string }>;
  /** Of one endpoint, or all of the tenant. */
  deliveries(id: string | undefined, query: Query): Promise<ListView<DeliveryView>>;
  redeliver(id: string): Promise<DeliveryView>;
  replay(id: string, since: string): Promise<{ readonly count: number; readonly since: string }>;
}

type CallJson = <T>(path: string, call?: { method?: "POST" | "DELETE"; body?: string }) => Promise<T>;

/** Makes the calls; `json` calls the API, `queryString` writes a query. */
export function createWebhookCalls(json: CallJson, queryString: (query: Query) => string): WebhookCalls {
  const of = (id: string) => `/v1/webhook_endpoints/${encodeURIComponent(id)}`;
  return {
    list: (query) => json(`/v1/webhook_endpoints${queryString(query)}`),
    create: (endpoint) => json("/v1/webhook_endpoints", { body: JSON.stringify(endpoint) }),
    update: (id, change) => json(of(id), { body: JSON.stringify(change) }),
    delete: (id) => json(of(id), { method: "DELETE" }),
    rotate: (id, keepOld) =>
      json(`${of(id)}/rotate_secret`, {
        body: JSON.stringify({ keep_old_secret_active_for_24_hours: keepOld }),
      }),
    ping: (id, eventType) => json(`${of(id)}/test`, { body: JSON.stringify({ event_type: eventType }) }),
    deliveries: (id, query) =>
      json(`${id === undefined ? "/v1/webhook_deliveries" : `${of(id)}/deliveries`}${queryString(query)}`),
    redeliver: (id) => json(`/v1/webhook_deliveries/${encodeURIComponent(id)}/redeliver`, { method: "POST" }),
    replay: (id, since) => json(`${of(id)}/replay`, { body: JSON.stringify({ since }) }),
  };
}
