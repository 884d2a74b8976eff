import { createHash, randomBytes } from "node:crypto";
import {
  type ApiKeyId,
  createIdSource,
  idFromUuid,
  type KeyRole,
  type NewKey,
  tenantId,
} from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { minute, setup as openLedger, t0, tenant } from "./testing/setup.ts";

const other = tenantId("other");
const hashOf = (secret: string) => createHash("sha256").update(secret).digest();
const day = 24 * 60 * minute;

async function setup() {
  const s = await openLedger();
  const ids = createIdSource({ now: () => t0 }, randomBytes);
  for (const id of [tenant, other]) await s.ledger.ensureTenant(id, t0);
  async function key(
    secret: string,
    changes: Partial<NewKey> & { expiresAt?: number; usdPerDay?: number } = {},
  ) {
    const id = idFromUuid("apiKey", ids.uuid());
    const plain = {
      tenantId: tenant,
      role: "member" as KeyRole,
      hint: secret.slice(-4),
      name: secret,
      now: t0,
    };
    await s.ledger.createKey({ ...plain, id, hash: hashOf(secret), ...changes });
    return id;
  }
  const owner = (secret: string) => s.ledger.findKey(hashOf(secret));
  const rotate = (id: ApiKeyId, secret: string, oldUntil: number, now = t0) =>
    s.ledger.rotateKey(tenant, id, { hash: hashOf(secret), hint: secret.slice(-4), now, oldUntil });
  return { ...s, key, owner, rotate };
}

describe("a key", () => {
  test("is found by its secret's hash, and shown to its tenant only", async () => {
    const { ledger, key, owner } = await setup();
    const id = await key("secret-one", { usdPerDay: 2.5, expiresAt: t0 + day });
    expect(await owner("secret-one")).toEqual({
      keyId: id,
      tenantId: tenant,
      role: "member",
      usdPerDay: 2.5,
      validUntil: t0 + day,
      isRevoked: false,
    });
    expect(await ledger.findApiKey(tenant, id)).toEqual({
      id,
      tenantId: tenant,
      role: "member",
      name: "secret-one",
      hint: "-one",
      usdPerDay: 2.5,
      createdAt: t0,
      lastUsedAt: undefined,
      rotatedAt: undefined,
      expiresAt: t0 + day,
      revokedAt: undefined,
    });
    expect(await ledger.findApiKey(other, id)).toBeUndefined();
    expect(await ledger.revokeKey(other, id, t0)).toBeUndefined();
  });

  test("is listed by page, in either order", async () => {
    const { ledger, key } = await setup();
    const ids = [await key("a"), await key("b"), await key("c")];
    await key("d", { tenantId: other });
    const list = async (order: "asc" | "desc", after?: string) =>
      (await ledger.listKeys(tenant, { order, limit: 2, after })).map(({ id }) => id);
    expect(await list("asc")).toEqual(ids.slice(0, 2));
    expect(await list("asc", ids[1])).toEqual([ids[2]]);
    expect(await list("desc", ids[2])).toEqual([ids[1], ids[0]]);
  });

  test("changes its name and its budget, each without the other", async () => {
    const { ledger, key, owner } = await setup();
    const id = await key("a", { usdPerDay: 2 });
    const before = await ledger.accessVersion();
    expect(await ledger.changeKey(tenant, id, { name: "b" })).toMatchObject({ name: "b", usdPerDay: 2 });
    await ledger.changeKey(tenant, id, { usdPerDay: 3 });
    expect(await owner("a")).toMatchObject({ usdPerDay: 3 });
    await ledger.changeKey(tenant, id, { usdPerDay: null });
    expect((await owner("a"))?.usdPerDay).toBeUndefined();
    expect(await ledger.findApiKey(tenant, id)).toMatchObject({ name: "b" });
    expect(await ledger.accessVersion()).toBe(before + 3);
    expect(await ledger.changeKey(other, id, { name: "c" })).toBeUndefined();
  });

  test("is revoked for good and tells every process of it", async () => {
    const { ledger, key, owner } = await setup();
    const id = await key("a");
    const before = await ledger.accessVersion();
    expect(await ledger.revokeKey(tenant, id, t0 + minute)).toMatchObject({ revokedAt: t0 + minute });
    expect(await ledger.accessVersion()).toBe(before + 1);
    expect(await owner("a")).toMatchObject({ isRevoked: true });
    expect(await ledger.revokeKey(tenant, id, t0 + 2 * minute)).toMatchObject({ revokedAt: t0 + minute });
    expect(await ledger.accessVersion()).toBe(before + 1);
  });

  test("was last used when it was last told so", async () => {
    const { ledger, key } = await setup();
    const [a, b] = [await key("a"), await key("b")];
    await ledger.recordKeyUse([
      { keyId: a, at: t0 + 5 },
      { keyId: b, at: t0 + 9 },
    ]);
    await ledger.recordKeyUse([
      { keyId: a, at: t0 + 3 },
      { keyId: b, at: t0 + 11 },
      { keyId: "gone", at: t0 },
    ]);
    expect(await ledger.findApiKey(tenant, a)).toMatchObject({ lastUsedAt: t0 + 5 });
    expect(await ledger.findApiKey(tenant, b)).toMatchObject({ lastUsedAt: t0 + 11 });
  });
});

describe("the last admin key", () => {
  test("cannot be revoked: others must be live, and of a tenant that is not disabled", async () => {
    const { ledger, key, sql } = await setup();
    const admin = { role: "admin" } as const;
    const last = await key("last", admin);
    await key("member");
    await key("expired", { ...admin, expiresAt: t0 });
    await key("disabled", { ...admin, tenantId: other });
    await sql`UPDATE tenants SET disabled_at = ${t0} WHERE id = ${other}`;
    expect(await ledger.revokeKey(tenant, last, t0)).toBe("last-admin");
    await key("another", { ...admin, expiresAt: t0 + 1 });
    expect(await ledger.revokeKey(tenant, last, t0)).toMatchObject({ revokedAt: t0 });
  });

  test("stays when two revoke each other at once", async () => {
    const { ledger, key } = await setup();
    const ids = [await key("a", { role: "admin" }), await key("b", { role: "admin" })];
    const results = await Promise.all(ids.map((id) => ledger.revokeKey(tenant, id, t0)));
    expect(results.filter((result) => result === "last-admin")).toHaveLength(1);
  });
});

describe("a rotated key", () => {
  test("stays the same key under another secret, and opens with the old one for a while", async () => {
    const { ledger, key, owner, rotate } = await setup();
    const id = await key("old-secret");
    const before = await ledger.accessVersion();
    expect(await rotate(id, "new-secret", t0 + day)).toMatchObject({ id, hint: "cret", rotatedAt: t0 });
    expect(await ledger.accessVersion()).toBe(before + 1);
    expect(await owner("old-secret")).toMatchObject({ keyId: id, validUntil: t0 + day });
    expect(await owner("new-secret")).toMatchObject({ keyId: id, validUntil: undefined });
    await rotate(id, "newest", t0 + minute);
    expect(await owner("old-secret")).toMatchObject({ validUntil: t0 + minute });
    expect(await owner("new-secret")).toMatchObject({ validUntil: t0 + minute });
  });

  test("keeps its own end, and no secret of it outlives that", async () => {
    const { key, owner, rotate } = await setup();
    const id = await key("old", { expiresAt: t0 + minute });
    await rotate(id, "new", t0 + day);
    expect(await owner("old")).toMatchObject({ validUntil: t0 + minute });
    expect(await owner("new")).toMatchObject({ validUntil: t0 + minute });
    expect(await rotate(id, "later", t0 + day, t0 + minute)).toBe("ended");
  });

  test("is refused when it is revoked, or another tenant's", async () => {
    const { ledger, key, rotate, owner } = await setup();
    const id = await key("a");
    await ledger.revokeKey(tenant, id, t0);
    expect(await rotate(id, "b", t0 + day)).toBe("ended");
    const foreign = await key("c", { tenantId: other });
    expect(await rotate(foreign, "d", t0 + day)).toBeUndefined();
    expect(await owner("b")).toBeUndefined();
    expect(await owner("d")).toBeUndefined();
  });

  test("is not made anew by a start that still has the old secret", async () => {
    const { ledger, key, owner, rotate } = await setup();
    const id = await key("from-env", { role: "admin" });
    await rotate(id, "new", t0);
    const again = { id: "key_again", tenantId: tenant, role: "admin", hint: "", name: "", now: t0 } as const;
    await ledger.ensureKey({ ...again, hash: hashOf("from-env") });
    expect(await owner("from-env")).toMatchObject({ keyId: id, validUntil: t0 });
  });
});
