import { connectApi } from "../api/find-api.ts";
import type { DeliveryView, EndpointChange, EndpointView } from "../api/webhook-calls.ts";
import { type CliContext, CliError } from "../context.ts";
import { plural, shellWord, table } from "../format.ts";

interface JsonFlag {
  readonly json?: boolean | undefined;
}

/** The flags of `webhooks create` and `webhooks update`. */
export interface EndpointFlags extends JsonFlag {
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  readonly event?: readonly string[] | undefined;
  readonly payload?: string | undefined;
  readonly enable?: boolean | undefined;
  readonly disable?: boolean | undefined;
}

interface PageFlags extends JsonFlag {
  readonly limit?: string | undefined;
  readonly after?: string | undefined;
}

/** `webhooks list`. */
export async function listEndpoints(context: CliContext, flags: PageFlags): Promise<number> {
  const { limit, after } = flags;
  const page = await connectApi(context).webhooks.list({ limit, after });
  const more = page.has_more ? `\nmore: npx sluice webhooks list --after ${page.last_id ?? ""}` : "";
  const text = page.data.length === 0 ? "no webhook endpoints" : `${showEndpoints(page.data)}${more}`;
  return show(context, flags, page, text);
}

/** `webhooks create`: shows the secret, this once. */
export async function createEndpoint(
  context: CliContext,
  url: string,
  flags: EndpointFlags,
): Promise<number> {
  if (flags.event === undefined)
    throw new CliError("Say which events: --event job.succeeded (may be repeated)", 2);
  const made = await connectApi(context).webhooks.create({ ...changeOf(flags), url });
  return show(context, flags, made, `${made.id}\n${secretOf(made)}`);
}

/** `webhooks update`. */
export async function updateEndpoint(context: CliContext, id: string, flags: EndpointFlags): Promise<number> {
  const change = changeOf(flags);
  if (Object.values(change).every((value) => value === undefined))
    throw new CliError("Say what to change: --url, --event, --name, --payload, --enable or --disable", 2);
  const now = await connectApi(context).webhooks.update(id, change);
  return show(context, flags, now, showEndpoints([now]));
}

function changeOf({ name, url, event, payload, enable, disable }: EndpointFlags): EndpointChange {
  if (enable === true && disable === true) throw new CliError("Either --enable or --disable", 2);
  const enabled = enable === true ? true : disable === true ? false : undefined;
  return { name, url, event_types: event, webhook_payload: payload, enabled };
}

/** `webhooks rotate`: shows the new secret, this once. */
export async function rotateSecret(
  context: CliContext,
  id: string,
  flags: JsonFlag & { readonly keepOld?: boolean | undefined },
): Promise<number> {
  const now = await connectApi(context).webhooks.rotate(id, flags.keepOld ?? false);
  const old = flags.keepOld === true ? "\nthe old one signs too for 24 hours" : "";
  return show(context, flags, now, `${secretOf(now)}${old}`);
}

/** `webhooks ping`: exit code 1 when the endpoint does not answer 2xx. */
export async function ping(
  context: CliContext,
  id: string,
  flags: JsonFlag & { readonly event?: string | undefined },
): Promise<number> {
  const answer = await connectApi(context).webhooks.ping(id, flags.event ?? "job.succeeded");
  show(context, flags, answer, `it answered ${answer.status_code} to ${answer.event_type}`);
  return answer.status_code >= 200 && answer.status_code < 300 ? 0 : 1;
}

/** `webhooks delete`. */
export async function deleteEndpoint(context: CliContext, id: string, flags: JsonFlag): Promise<number> {
  const answer = await connectApi(context).webhooks.delete(id);
  return show(context, flags, answer, `deleted ${id}`);
}

/** `webhooks deliveries`: of one endpoint, or of the tenant. */
export async function deliveries(
  context: CliContext,
  id: string | undefined,
  flags: PageFlags & { readonly status?: string | undefined },
): Promise<number> {
  const { limit, after, status } = flags;
  const page = await connectApi(context).webhooks.deliveries(id, { limit, after, status });
  const again = ["npx sluice webhooks deliveries", ...(id === undefined ? [] : [id])];
  if (status !== undefined) again.push("--status", shellWord(status));
  const more = page.has_more ? `\nmore: ${again.join(" ")} --after ${page.last_id ?? ""}` : "";
  return show(
    context,
    flags,
    page,
    page.data.length === 0 ? "no deliveries" : `${showDeliveries(page.data)}${more}`,
  );
}

/** `webhooks redeliver`. */
export async function redeliver(context: CliContext, id: string, flags: JsonFlag): Promise<number> {
  const due = await connectApi(context).webhooks.redeliver(id);
  return show(context, flags, due, `${due.event_type} ${due.event_id} is sent again as ${due.id}`);
}

/** `webhooks replay`. */
export async function replay(
  context: CliContext,
  id: string,
  flags: JsonFlag & { readonly since: string },
): Promise<number> {
  const answer = await connectApi(context).webhooks.replay(id, flags.since);
  return show(context, flags, answer, `${plural(answer.count, "event")} since ${answer.since} sent again`);
}

function secretOf({ signing_secret: secret }: EndpointView): string {
  return `secret (shown this once): ${secret ?? ""}`;
}

function showEndpoints(all: readonly EndpointView[]): string {
  const head = ["ENDPOINT", "STATE", "PAYLOAD", "EVENTS", "URL", "NAME"];
  const rows = all.map((endpoint) => [
    endpoint.id,
    stateOf(endpoint),
    endpoint.webhook_payload,
    endpoint.event_types.join(","),
    endpoint.url,
    endpoint.name,
  ]);
  return table([head, ...rows]);
}

function stateOf({ status, disabled_reason: reason, failing_since: since }: EndpointView): string {
  if (reason !== null) return `${status} (${reason})`;
  return since === null ? status : `failing since ${new Date(since * 1000).toISOString()}`;
}

function showDeliveries(all: readonly DeliveryView[]): string {
  const head = ["DELIVERY", "STATE", "EVENT", "ABOUT", "TRIES", "ANSWER", "MS", "NEXT"];
  const rows = all.map((delivery) => [
    delivery.id,
    delivery.status,
    delivery.event_type,
    delivery.object_id,
    String(delivery.attempts.length),
    delivery.status_code === null ? (delivery.error ?? "") : String(delivery.status_code),
    delivery.latency_ms === null ? "" : String(Math.round(delivery.latency_ms)),
    delivery.next_attempt_at ?? "",
  ]);
  return table([head, ...rows]);
}

function show({ out }: CliContext, flags: JsonFlag, object: unknown, text: string): number {
  out.write(`${flags.json === true ? JSON.stringify(object) : text}\n`);
  return 0;
}
