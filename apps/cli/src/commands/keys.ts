import type { KeyView } from "../api/access-calls.ts";
import { connectApi } from "../api/find-api.ts";
import { type CliContext, CliError } from "../context.ts";
import { shellWord, table, usd } from "../format.ts";

interface JsonFlag {
  readonly json?: boolean | undefined;
}

/** The flags that all commands about keys have. */
interface TenantFlag extends JsonFlag {
  readonly tenant?: string | undefined;
}

/** The flags of `keys create`. */
export interface NewKeyFlags extends TenantFlag {
  readonly admin?: boolean | undefined;
  readonly expiresIn?: string | undefined;
  readonly expiresAt?: string | undefined;
  readonly usdPerDay?: string | undefined;
}

/** `keys create`: shows the key, this once. */
export async function createKey(context: CliContext, name: string, flags: NewKeyFlags): Promise<number> {
  const { tenant, admin, expiresIn, expiresAt, usdPerDay } = flags;
  const limits = usdPerDay === undefined ? undefined : { usd_per_day: dollars(usdPerDay) };
  const asked = { tenant, name, admin, expires_in: expiresIn, expires_at: expiresAt, limits };
  const made = await connectApi(context).keys.create(asked);
  return show(context, flags, made, `${made.id} of tenant ${made.tenant}\n${secretOf(made)}`);
}

function dollars(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new CliError(`--usd-per-day must be a number of dollars, got "${text}"`, 2);
}

/** `keys list`. */
export async function listKeys(
  context: CliContext,
  flags: TenantFlag & { readonly limit?: string | undefined; readonly after?: string | undefined },
): Promise<number> {
  const { tenant, limit, after } = flags;
  const page = await connectApi(context).keys.list({ tenant, limit, after });
  const again = ["npx sluice keys list", ...(tenant === undefined ? [] : ["--tenant", shellWord(tenant)])];
  const more = page.has_more ? `\nmore: ${again.join(" ")} --after ${page.last_id ?? ""}` : "";
  return show(context, flags, page, page.data.length === 0 ? "no keys" : `${showKeys(page.data)}${more}`);
}

/** `keys show`. */
export async function showKey(context: CliContext, id: string, flags: TenantFlag): Promise<number> {
  const key = await connectApi(context).keys.read(id, flags.tenant);
  return show(context, flags, key, showKeys([key]));
}

/** `keys set`. */
export async function setKey(
  context: CliContext,
  id: string,
  flags: TenantFlag & { readonly name?: string | undefined; readonly usdPerDay?: string | undefined },
): Promise<number> {
  const { tenant, name, usdPerDay } = flags;
  if (name === undefined && usdPerDay === undefined)
    throw new CliError("Say what to change: --name or --usd-per-day", 2);
  const budget = usdPerDay === "none" ? null : usdPerDay === undefined ? undefined : dollars(usdPerDay);
  const limits = budget === undefined ? undefined : { usd_per_day: budget };
  const key = await connectApi(context).keys.change(id, tenant, { name, limits });
  return show(context, flags, key, showKeys([key]));
}

/** `keys revoke`. */
export async function revokeKey(context: CliContext, id: string, flags: TenantFlag): Promise<number> {
  const key = await connectApi(context).keys.revoke(id, flags.tenant);
  return show(context, flags, key, `${key.id} (${key.name}) is revoked`);
}

/** `keys rotate`: shows the new secret, this once. */
export async function rotateKey(
  context: CliContext,
  id: string,
  flags: TenantFlag & { readonly overlap?: string | undefined },
): Promise<number> {
  const overlap = flags.overlap ?? "24h";
  const key = await connectApi(context).keys.rotate(id, flags.tenant, { overlap });
  const old = /^0\w*$/.test(overlap) ? "the old one has ended" : `the old one opens for ${overlap} more`;
  return show(context, flags, key, `${secretOf(key)}\n${old}`);
}

function secretOf({ key }: KeyView): string {
  return `key (shown this once): ${key ?? ""}`;
}

function showKeys(all: readonly KeyView[]): string {
  const head = ["KEY", "TENANT", "ROLE", "STATE", "HINT", "USD/DAY", "LAST USED", "EXPIRES", "NAME"];
  const rows = all.map((key) => [
    key.id,
    key.tenant,
    key.admin ? "admin" : "member",
    key.status,
    key.hint,
    key.limits.usd_per_day === null ? "" : usd(key.limits.usd_per_day),
    key.last_used_at ?? "never",
    key.expires_at ?? "",
    key.name,
  ]);
  return table([head, ...rows]);
}

function show({ out }: CliContext, flags: JsonFlag, object: unknown, text: string): number {
  out.write(`${flags.json === true ? JSON.stringify(object) : text}\n`);
  return 0;
}
