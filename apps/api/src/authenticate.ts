import { createHash } from "node:crypto";
import {
  type ApiKeyOwner,
  type Clock,
  SluiceError,
  type TenantId,
  type TenantLedger,
  tenantId,
} from "@sluice/domain";
import type { FastifyRequest } from "fastify";

/** Who a request is from. */
export interface Caller {
  readonly keyId: string;
  /** As {@link ApiKeyOwner} has it. */
  readonly keyUsdPerDay: number | undefined;
  readonly role: ApiKeyOwner["role"];
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
  /** The owner of a key; `undefined` when it is not one. Answers are kept for 10 s. */
  ownerOf(key: string): Promise<ApiKeyOwner | undefined>;
  /** The caller of a request. Throws `invalid_api_key` or `permission_denied`. */
  authenticate(request: FastifyRequest): Promise<Caller>;
}

/** Looks keys up by their hash. */
export function createAuthenticator(ports: {
  ledger: Pick<TenantLedger, "findKey">;
  clock: Clock;
}): Authenticator {
  const kept = new Map<string, { owner: Promise<ApiKeyOwner | undefined>; until: number }>();

  function ownerOf(key: string): Promise<ApiKeyOwner | undefined> {
    const hash = hashKey(key);
    const name = hash.toString("base64");
    const now = ports.clock.monotonicMs();
    const entry = kept.get(name);
    if (entry !== undefined && entry.until > now) return entry.owner;
    const owner = ports.ledger.findKey(hash);
    if (kept.size >= cacheSize) kept.clear();
    kept.set(name, { owner, until: now + cacheMs });
    owner.catch(() => kept.delete(name));
    return owner;
  }

  return {
    ownerOf,
    async authenticate(request) {
      const key = keyOf(request);
      const owner = key === undefined ? undefined : await ownerOf(key);
      if (owner === undefined) {
        const message =
          key === undefined
            ? "No API key was given: send Authorization: Bearer KEY."
            : "The API key is not valid.";
        throw new SluiceError("invalid_api_key", message);
      }
      const { keyId, role, usdPerDay: keyUsdPerDay } = owner;
      return { keyId, keyUsdPerDay, role, tenantId: tenantOf(request, owner) };
    },
  };
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
  try {
    return tenantId(String(asked));
  } catch {
    throw new SluiceError("invalid_value", "'tenant' is not a tenant name.", { param: "tenant" });
  }
}

/** The caller that the hook has put on the request. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new Error("the route is not behind the key check");
  return request.caller;
}
