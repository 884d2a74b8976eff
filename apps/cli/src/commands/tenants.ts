import type { TenantFields, TenantView } from "../api/access-calls.ts";
import { connectApi } from "../api/find-api.ts";
import { type CliContext, CliError } from "../context.ts";
import { count, table, usd } from "../format.ts";

interface JsonFlag {
  readonly json?: boolean | undefined;
}

/** The flags of `tenants create` and `tenants set`. */
export interface TenantFlags extends JsonFlag {
  readonly weight?: string | undefined;
  readonly maxPriority?: string | undefined;
  readonly tag?: readonly string[] | undefined;
  readonly limit?: readonly string[] | undefined;
  readonly enable?: boolean | undefined;
}

/** `tenants create`. */
export async function createTenant(context: CliContext, id: string, flags: TenantFlags): Promise<number> {
  const made = await connectApi(context).tenants.create({ id, ...fieldsOf(flags) });
  return show(context, flags, made, showTenants([made]));
}

/** `tenants set`. */
export async function setTenant(context: CliContext, id: string, flags: TenantFlags): Promise<number> {
  const fields = { ...fieldsOf(flags), ...(flags.enable === true ? { enabled: true } : {}) };
  if (Object.values(fields).every((value) => value === undefined))
    throw new CliError("Say what to change: --weight, --limit, --max-priority, --tag or --enable", 2);
  const now = await connectApi(context).tenants.change(id, fields);
  return show(context, flags, now, showTenants([now]));
}

/** `tenants disable`. */
export async function disableTenant(context: CliContext, id: string, flags: JsonFlag): Promise<number> {
  const now = await connectApi(context).tenants.change(id, { enabled: false });
  return show(context, flags, now, `${id} is disabled: its keys open nothing; what it has queued still runs`);
}

/** `tenants list`. */
export async function listTenants(
  context: CliContext,
  flags: JsonFlag & { readonly limit?: string | undefined; readonly after?: string | undefined },
): Promise<number> {
  const page = await connectApi(context).tenants.list({ limit: flags.limit, after: flags.after });
  const more = page.has_more ? `\nmore: npx sluice tenants list --after ${page.last_id ?? ""}` : "";
  return show(context, flags, page, `${showTenants(page.data)}${more}`);
}

/** `tenants show`: with what it uses. */
export async function showTenant(context: CliContext, id: string, flags: JsonFlag): Promise<number> {
  const tenant = await connectApi(context).tenants.read(id);
  return show(context, flags, tenant, `${showTenants([tenant])}\n${useOf(tenant)}`);
}

function useOf({ use }: TenantView): string {
  if (use === undefined) return "";
  const { queued_jobs: queued, queued_tokens: tokens, running_jobs: running, active_keys: keys } = use;
  const spent = `${usd(use.usd_last_24_hours)} in 24 hours`;
  return `${spent}, ${count(queued)} queued (${count(tokens)} tokens), ${count(running)} running, ${count(keys)} active keys`;
}

function fieldsOf({ weight, maxPriority, tag, limit }: TenantFlags): TenantFields {
  return {
    weight: numberOf(weight, "--weight"),
    max_priority: numberOf(maxPriority, "--max-priority"),
    tags: tag?.filter((name) => name !== ""),
    limits: limit && Object.fromEntries(limit.map(limitOf)),
  };
}

function numberOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new CliError(`${flag} must be a number, got "${text}"`, 2);
}

/** `NAME=NUMBER`, or `NAME=none`, which takes the limit away. */
function limitOf(pair: string): [string, number | null] {
  const [name = "", value] = pair.split("=");
  if (name === "" || value === undefined)
    throw new CliError(`--limit must be NAME=NUMBER or NAME=none, got "${pair}"`, 2);
  return [name, value === "none" ? null : (numberOf(value, `--limit ${name}`) ?? null)];
}

function showTenants(all: readonly TenantView[]): string {
  const head = ["TENANT", "STATE", "FROM", "WEIGHT", "MAX PRIORITY", "TAGS", "LIMITS"];
  const rows = all.map((tenant) => [
    tenant.id,
    tenant.status,
    tenant.source,
    String(tenant.weight),
    String(tenant.max_priority),
    tenant.tags.join(","),
    Object.entries(tenant.limits)
      .flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]))
      .join(" "),
  ]);
  return table([head, ...rows]);
}

function show({ out }: CliContext, flags: JsonFlag, object: unknown, text: string): number {
  out.write(`${flags.json === true ? JSON.stringify(object) : text}\n`);
  return 0;
}
