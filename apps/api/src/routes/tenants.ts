import {
  parseWith,
  renderList,
  renderTenant,
  type TenantView,
  tenantChangeSchema,
  tenantListQuerySchema,
  tenantRequestSchema,
  tenantSettings,
} from "@sluice/contracts";
import { SluiceError, type StoredTenant, type TenantId } from "@sluice/domain";
import { tenantConfig } from "@sluice/engine";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { adminOf, type Caller, tenantNamed } from "../authenticate.ts";
import { jsonBody } from "../json-body.ts";
import { notFound } from "../not-found.ts";
import { describe } from "./describe.ts";

type WithId = { Params: { id: string } };

const dayMs = 24 * 3_600_000;

/** `/v1/tenants`, for operators. The configuration's are shown and cannot be changed here. */
export function tenantRoutes(server: FastifyInstance, ports: ApiPorts): void {
  const path = "/v1/tenants";
  const about = (summary: string, schemas?: Parameters<typeof describe>[2]) =>
    describe("Keys and tenants", `${summary} (an admin key)`, schemas);
  server.post(path, about("Make a tenant", { body: tenantRequestSchema }), (request) =>
    create(ports, request),
  );
  server.get(path, about("List tenants by name", { query: tenantListQuerySchema }), (request) =>
    list(ports, request),
  );
  server.get<WithId>(`${path}/:id`, about("Read a tenant with what it uses"), (request) =>
    read(ports, request),
  );
  server.post<WithId>(
    `${path}/:id`,
    about("Change, disable or enable a tenant that was made over the API", { body: tenantChangeSchema }),
    (request) => change(ports, request),
  );
}

function admin(request: FastifyRequest): Caller {
  return adminOf(request, "Tenants are managed by operators");
}

async function create(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const { keyId } = admin(request);
  const { id: name, ...fields } = parseWith(tenantRequestSchema, jsonBody(request).value);
  const id = tenantNamed(name, "id");
  refuseConfigured(ports, id);
  const made = await ports.ledger.createTenant(id, tenantSettings(fields), ports.clock.now());
  if (!made) throw new SluiceError("tenant_exists", `The tenant '${id}' exists already.`, { param: "id" });
  ports.logger.info({ tenantId: id, by: keyId }, "a tenant was made");
  return changed(ports, id);
}

async function change(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const { keyId, keyTenantId } = admin(request);
  const id = idOf(request);
  const { enabled, ...fields } = parseWith(tenantChangeSchema, jsonBody(request).value);
  refuseConfigured(ports, id);
  if (enabled === false && id === keyTenantId)
    throw new SluiceError("would_lock_out", "This is the tenant of the key that asks: use another's.");
  const after = (before: StoredTenant) => ({
    settings: tenantSettings(fields, before.settings),
    disabled: enabled === undefined ? before.disabledAt !== undefined : !enabled,
  });
  const found = await ports.ledger.changeTenant(id, after, ports.clock.now());
  if (found === undefined) throw notFound(id);
  ports.logger.info({ tenantId: id, enabled, by: keyId }, "a tenant was changed");
  return changed(ports, id);
}

/** A change is answered when this process knows it; the others do within about a second. */
async function changed(ports: ApiPorts, id: TenantId): Promise<unknown> {
  await ports.tenants.refresh();
  return renderTenant(viewOf(ports, id, await ports.ledger.findTenant(id)));
}

async function read(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  admin(request);
  const id = idOf(request);
  const stored = await ports.ledger.findTenant(id);
  if (stored === undefined && !isConfigured(ports, id)) throw notFound(id);
  const now = ports.clock.now();
  const use = await ports.ledger.tenantUse(id, now - dayMs, now);
  return renderTenant({ ...viewOf(ports, id, stored), use });
}

async function list(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  admin(request);
  const { after, limit, order } = parseWith(tenantListQuerySchema, request.query);
  if (after !== undefined) tenantNamed(after, "after");
  const stored = await ports.ledger.listTenants({ after, limit: limit + 1, order });
  const found = new Map<string, StoredTenant | undefined>(
    ports.configuredTenants().flatMap((id) => (isBehind(id, after, order) ? [[id, undefined] as const] : [])),
  );
  for (const tenant of stored) found.set(tenant.id, tenant);
  const names = [...found.keys()].sort((a, b) => (a < b === (order === "asc") ? -1 : 1));
  const page = names.slice(0, limit + 1);
  return renderList(
    page.map((id) => renderTenant(viewOf(ports, id as TenantId, found.get(id)))),
    limit,
  );
}

function isBehind(id: string, after: string | undefined, order: "asc" | "desc"): boolean {
  if (after === undefined) return true;
  return order === "asc" ? id > after : id < after;
}

/** By the ledger, which may know more than this process's configuration of this moment. */
function viewOf(ports: ApiPorts, id: TenantId, stored: StoredTenant | undefined): TenantView {
  const config = tenantConfig(ports.config(), id);
  if (isConfigured(ports, id)) return { id, source: "configuration", settings: config, stored };
  if (stored?.settings === undefined) return { id, source: "default", settings: config, stored };
  const disabled = stored.disabledAt !== undefined;
  return { id, source: "api", settings: { ...stored.settings, disabled }, stored };
}

function isConfigured(ports: ApiPorts, id: TenantId): boolean {
  return ports.configuredTenants().includes(id);
}

function refuseConfigured(ports: ApiPorts, id: TenantId): void {
  if (!isConfigured(ports, id)) return;
  const message = `The tenant '${id}' is one of the configuration: change it there.`;
  throw new SluiceError("configured_tenant", message, { param: "id" });
}

function idOf(request: FastifyRequest<WithId>): TenantId {
  const { id } = request.params;
  if (!/^[a-z0-9_-]{1,64}$/.test(id)) throw notFound(id);
  return id as TenantId;
}
