import { createHash } from "node:crypto";
import type { Config } from "@sluice/config";
import {
  type ApiKeyOwner,
  type Clock,
  SluiceError,
  type TenantId,
  type TenantLedger,
  tenantId,
} from "@sluice/domain";
import { type KeyUseRecorder, type TenantBook, tenantConfig } from "@sluice/engine";
import type { FastifyRequest } from "fastify";

/** Who a request is from. */
export interface Caller {
  readonly keyId: string;
  /** As {@link ApiKeyOwner} has it. */
  readonly keyUsdPerDay: number | undefined;
  readonly role: ApiKeyOwner["role"];
  /** The tenant that the key is of. */
  readonly keyTenantId: TenantId;
  /** The key's tenant, or the one an admin asked for with `?tenant=`. */
  readonly tenantId: TenantId;
}

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
}

const cacheMs = 10_000;
const cacheSize = 10_000;

/** What is kept of a key: its hash. Keys are long and random, so a plain hash is enough. */
export function hashKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

export interface Authenticator {
  /**
   * The owner of a key. Answers are kept for 10 s, and no longer than until a change of any key or tenant is known here,
   * which takes about a second. Throws `invalid_api_key` and `tenant_disabled`.
   */
  ownerOf(key: string | undefined): Promise<ApiKeyOwner>;
  /** The caller of a request. Throws as {@link Authenticator.ownerOf} does, and `permission_denied`. */
  authenticate(request: FastifyRequest): Promise<Caller>;
}

export interface AuthenticatorPorts {
  readonly ledger: Pick<TenantLedger, "findKey">;
  readonly clock: Clock;
  readonly config: () => Config;
  readonly tenants: Pick<TenantBook, "version">;
  readonly keyUse: Pick<KeyUseRecorder, "used">;
}

/** Looks keys up by their hash. */
export function createAuthenticator(ports: AuthenticatorPorts): Authenticator {
  const find = cachedFind(ports);

  async function ownerOf(key: string | undefined): Promise<ApiKeyOwner> {
    if (key === undefined) throw refused("No API key was given: send Authorization: Bearer KEY.");
    const owner = await find(hashKey(key));
    if (owner === undefined) throw refused("The API key is not valid.");
    if (owner.isRevoked) throw refused("The API key was revoked.");
    if (owner.validUntil !== undefined && owner.validUntil <= ports.clock.now())
      throw refused("The API key has expired.");
    if (tenantConfig(ports.config(), owner.tenantId).disabled === true)
      throw new SluiceError("tenant_disabled", "The tenant of this API key is disabled.");
    ports.keyUse.used(owner.keyId);
    return owner;
  }

  return {
    ownerOf,
    async authenticate(request) {
      const owner = await ownerOf(keyOf(request));
      const { keyId, role, usdPerDay: keyUsdPerDay, tenantId: keyTenantId } = owner;
      return { keyId, keyUsdPerDay, role, keyTenantId, tenantId: tenantOf(request, owner) };
    },
  };
}

/** What was found of a key, until it may have changed. */
function cachedFind({ ledger, clock, tenants }: AuthenticatorPorts) {
  const kept = new Map<string, { owner: Promise<ApiKeyOwner | undefined>; until: number; version: number }>();

  return (hash: Buffer): Promise<ApiKeyOwner | undefined> => {
    const name = hash.toString("base64");
    const now = clock.monotonicMs();
    // Taken before the ledger is asked: a change that comes meanwhile makes the answer stale.
    const version = tenants.version();
    const entry = kept.get(name);
    if (entry !== undefined && entry.until > now && entry.version === version) return entry.owner;
    const owner = ledger.findKey(hash);
    kept.delete(name);
    // The oldest goes: a flood of unknown keys pushes out no more than it has to.
    for (const [oldest] of kept) {
      if (kept.size < cacheSize) break;
      kept.delete(oldest);
    }
    kept.set(name, { owner, until: now + cacheMs, version });
    owner.catch(() => kept.delete(name));
    return owner;
  };
}

function refused(message: string): SluiceError {
  return new SluiceError("invalid_api_key", message);
}

function keyOf(request: FastifyRequest): string | undefined {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const other = request.headers["x-api-key"];
  return bearer?.trim() ?? (typeof other === "string" ? other : undefined);
}

/** Takes `tenant` out of the query: routes know nothing of it. */
function tenantOf(request: FastifyRequest, owner: ApiKeyOwner): TenantId {
  const query = request.query as Record<string, unknown>;
  const asked = query.tenant;
  if (asked === undefined) return owner.tenantId;
  delete query.tenant;
  if (owner.role !== "admin")
    throw new SluiceError("permission_denied", "Only an admin key may name a tenant.", { param: "tenant" });
  return tenantNamed(String(asked), "tenant");
}

/** The tenant of a name from outside. Throws `invalid_value` naming `param` when it cannot be one. */
export function tenantNamed(name: string, param: string): TenantId {
  try {
    return tenantId(name);
  } catch {
    const what = "must be a tenant's name: 1 to 64 of a-z, 0-9, _ and -";
    throw new SluiceError("invalid_value", `'${param}' ${what}.`, { param });
  }
}

/** The caller that the hook has put on the request. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new Error("the route is not behind the key check");
  return request.caller;
}

/** The caller, who must have an admin key. Throws `permission_denied` with `why` before it. */
export function adminOf(request: FastifyRequest, why: string): Caller {
  const caller = callerOf(request);
  if (caller.role !== "admin") throw new SluiceError("permission_denied", `${why}: this needs an admin key.`);
  return caller;
}
