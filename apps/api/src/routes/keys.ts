import { randomBytes } from "node:crypto";
import {
  keyChangeSchema,
  keyListQuerySchema,
  keyRequestSchema,
  keyRotationSchema,
  parseWith,
  renderKey,
  renderList,
} from "@sluice/contracts";
import { type ApiKeyId, idFromUuid, isId, SluiceError, type TenantId } from "@sluice/domain";
import { longestDeadlineMs, parseMoment } from "@sluice/engine";
import { parseDuration } from "@sluice/scheduling";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { adminOf, type Caller, hashKey, tenantNamed } from "../authenticate.ts";
import { checkCursor } from "../cursor.ts";
import { bodyOrEmpty, jsonBody } from "../json-body.ts";
import { notFound } from "../not-found.ts";
import { describe } from "./describe.ts";

type WithId = { Params: { id: string } };

const longestOverlapMs = 30 * 24 * 3_600_000;
const hintLength = 4;

/** `/v1/keys`, for operators: of the key's own tenant, or of the one that `?tenant=` names. */
export function keyRoutes(server: FastifyInstance, ports: ApiPorts): void {
  const path = "/v1/keys";
  const about = (summary: string, schemas?: Parameters<typeof describe>[2]) =>
    describe("Keys and tenants", summary, schemas);
  server.post(
    path,
    about("Make an API key; it is shown this once (an admin key)", { body: keyRequestSchema }),
    (request, reply) => create(ports, request, reply),
  );
  server.get(path, about("List keys (an admin key)", { query: keyListQuerySchema }), (request) =>
    list(ports, request),
  );
  server.get<WithId>(`${path}/:id`, about("Read a key (an admin key)"), async (request) => {
    const { tenantId } = admin(request);
    const id = keyIdOf(request);
    const key = await ports.ledger.findApiKey(tenantId, id);
    if (key === undefined) throw notFound(id);
    return renderKey(key, ports.clock.now());
  });
  server.post<WithId>(
    `${path}/:id`,
    about("Change the name or the budget of a key (an admin key)", { body: keyChangeSchema }),
    (request) => change(ports, request),
  );
  const aboutRevoking = about("Revoke a key for good; other processes know within seconds (an admin key)");
  server.post<WithId>(`${path}/:id/revoke`, aboutRevoking, (request) => revoke(ports, request));
  server.delete<WithId>(`${path}/:id`, aboutRevoking, (request) => revoke(ports, request));
  server.post<WithId>(
    `${path}/:id/rotate`,
    about("Give a key another secret, shown this once; the old one opens for a while (an admin key)", {
      body: keyRotationSchema,
    }),
    (request, reply) => rotate(ports, request, reply),
  );
}

function admin(request: FastifyRequest): Caller {
  return adminOf(request, "Keys are managed by operators");
}

async function create(ports: ApiPorts, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const caller = admin(request);
  refuseRepetition(request);
  const asked = parseWith(keyRequestSchema, jsonBody(request).value);
  const now = ports.clock.now();
  const expiresAt = endOf(asked, now);
  const tenantId = await tenantFor(ports, caller, asked.tenant);
  const id = idFromUuid("apiKey", ports.ids.uuid());
  const { secret, hash, hint } = newSecret();
  const { name, admin: isAdmin, limits } = asked;
  const role = isAdmin ? ("admin" as const) : ("member" as const);
  const usdPerDay = limits.usd_per_day;
  await ports.ledger.createKey({ id, tenantId, role, hash, hint, name, now, usdPerDay, expiresAt });
  ports.logger.info({ keyId: id, tenantId, role, by: caller.keyId }, "a key was made");
  const key = await ports.ledger.findApiKey(tenantId, id);
  if (key === undefined) throw new Error("a key that was made is not there");
  return unkept(reply).send(renderKey(key, now, secret));
}

/** 256 random bits behind a prefix that scanners for secrets can be told of. */
function newSecret() {
  const secret = `sk-sluice-${randomBytes(32).toString("base64url")}`;
  return { secret, hash: hashKey(secret), hint: secret.slice(-hintLength) };
}

/** To answer a repetition alike, the secret would have to be kept. */
function refuseRepetition(request: FastifyRequest): void {
  if (request.headers["idempotency-key"] === undefined) return;
  const why = "answers that show a secret are not kept, so a call cannot be repeated";
  throw new SluiceError("invalid_request", `Send no Idempotency-Key here: ${why}.`, {
    param: "Idempotency-Key",
  });
}

/** No cache on the way may keep a secret. */
function unkept(reply: FastifyReply): FastifyReply {
  return reply.header("cache-control", "no-store");
}

function endOf(
  { expires_at: at, expires_in: after }: { expires_at?: string | undefined; expires_in?: string | undefined },
  now: number,
): number | undefined {
  if (at === undefined && after === undefined) return undefined;
  if (at !== undefined && after !== undefined)
    throw notValid("expires_in", "and 'expires_at' do not go together");
  const param = at === undefined ? "expires_in" : "expires_at";
  const lasts = after === undefined ? undefined : parseDuration(after);
  const end = at === undefined ? lasts && now + lasts : parseMoment(at);
  if (end !== undefined && end > now && end - now <= longestDeadlineMs) return end;
  throw notValid(
    param,
    at === undefined ? "must be a duration such as 90d" : "must be an RFC 3339 time to come",
  );
}

/** The tenant of a new key: it must be known, or a mistyped name would make another. */
async function tenantFor(ports: ApiPorts, caller: Caller, name: string | undefined): Promise<TenantId> {
  const asked = name === undefined ? caller.tenantId : tenantNamed(name, "tenant");
  if (caller.tenantId !== caller.keyTenantId && asked !== caller.tenantId)
    throw notValid("tenant", "is another tenant than '?tenant=' names");
  if (Object.hasOwn(ports.config().tenants, asked)) {
    await ports.ledger.ensureTenant(asked, ports.clock.now());
    return asked;
  }
  if ((await ports.ledger.findTenant(asked)) === undefined)
    throw new SluiceError("not_found", `There is no tenant '${asked}': make it first.`, { param: "tenant" });
  return asked;
}

async function list(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const { tenantId } = admin(request);
  const { after, limit, order } = parseWith(keyListQuerySchema, request.query);
  checkCursor("apiKey", after);
  const keys = await ports.ledger.listKeys(tenantId, { after, limit: limit + 1, order });
  const now = ports.clock.now();
  return renderList(
    keys.map((key) => renderKey(key, now)),
    limit,
  );
}

async function change(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const caller = admin(request);
  const id = keyIdOf(request);
  const { name, limits } = parseWith(keyChangeSchema, jsonBody(request).value);
  const changed = await ports.ledger.changeKey(caller.tenantId, id, { name, usdPerDay: limits?.usd_per_day });
  if (changed === undefined) throw notFound(id);
  ports.logger.info({ keyId: id, by: caller.keyId }, "a key was changed");
  await takeOver(ports);
  return renderKey(changed, ports.clock.now());
}

async function revoke(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const caller = admin(request);
  const id = keyIdOf(request);
  if (id === caller.keyId) throw lockedOut("A key cannot revoke itself: use another admin key.");
  const revoked = await ports.ledger.revokeKey(caller.tenantId, id, ports.clock.now());
  if (revoked === undefined) throw notFound(id);
  if (revoked === "last-admin") throw lockedOut("This is the last admin key: make another first.");
  ports.logger.info({ keyId: id, by: caller.keyId }, "a key was revoked");
  await takeOver(ports);
  return renderKey(revoked, ports.clock.now());
}

async function rotate(
  ports: ApiPorts,
  request: FastifyRequest<WithId>,
  reply: FastifyReply,
): Promise<unknown> {
  const caller = admin(request);
  refuseRepetition(request);
  const id = keyIdOf(request);
  const { overlap } = parseWith(keyRotationSchema, bodyOrEmpty(request));
  const overlapMs = parseDuration(overlap);
  if (overlapMs === undefined || overlapMs > longestOverlapMs)
    throw notValid("overlap", "must be a duration of at most 30d, such as 24h");
  const now = ports.clock.now();
  const { secret, hash, hint } = newSecret();
  const rotation = { hash, hint, now, oldUntil: now + overlapMs };
  const rotated = await ports.ledger.rotateKey(caller.tenantId, id, rotation);
  if (rotated === undefined) throw notFound(id);
  if (rotated === "ended")
    throw new SluiceError("key_ended", "The key is revoked or has expired: make another.");
  ports.logger.info({ keyId: id, by: caller.keyId }, "a key was rotated");
  await takeOver(ports);
  return unkept(reply).send(renderKey(rotated, now, secret));
}

/** This process knows at once, the others within about a second. The change is committed, whatever fails here. */
async function takeOver(ports: ApiPorts): Promise<void> {
  await ports.tenants.refresh().catch(() => undefined);
}

function lockedOut(message: string): SluiceError {
  return new SluiceError("would_lock_out", message);
}

function keyIdOf(request: FastifyRequest<WithId>): ApiKeyId {
  const { id } = request.params;
  if (!isId("apiKey", id)) throw notFound(id);
  return id;
}

function notValid(param: string, what: string): SluiceError {
  return new SluiceError("invalid_value", `'${param}' ${what}.`, { param });
}
