import type { Config } from "@sluice/config";
import { type ApiKeyOwner, SluiceError, tenantId } from "@sluice/domain";
import type { FastifyRequest } from "fastify";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createAuthenticator, hashKey } from "./authenticate.ts";

const acme = tenantId("acme");
const plain: ApiKeyOwner = {
  keyId: "key_1",
  tenantId: acme,
  role: "member",
  usdPerDay: undefined,
  validUntil: undefined,
  isRevoked: false,
};

function setup(changes: Partial<ApiKeyOwner> = {}) {
  const clock = createFakeClock();
  const owners = new Map([[hashKey("the-key").toString("hex"), { ...plain, ...changes }]]);
  const state = { version: 1, lookups: 0, disabled: false };
  const used: string[] = [];
  const authenticator = createAuthenticator({
    ledger: {
      async findKey(hash) {
        state.lookups += 1;
        return owners.get(hash.toString("hex"));
      },
    },
    clock,
    config: () => {
      const settings = { weight: 1, limits: {}, maxPriority: 9 };
      return { tenants: { acme: { ...settings, disabled: state.disabled } } } as unknown as Config;
    },
    tenants: { version: () => state.version },
    keyUse: { used: (keyId) => void used.push(keyId) },
  });
  const change = (more: Partial<ApiKeyOwner>) =>
    owners.set(hashKey("the-key").toString("hex"), { ...plain, ...changes, ...more });
  const answer = async (key: string | undefined = "the-key", query: Record<string, string> = {}) => {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    try {
      return await authenticator.authenticate({ headers, query } as unknown as FastifyRequest);
    } catch (error) {
      if (error instanceof SluiceError) return error.code;
      throw error;
    }
  };
  return { clock, state, used, authenticator, change, answer };
}

describe("a key", () => {
  test("opens what is its tenant's, and is noted as used", async () => {
    const { answer, used } = setup({ usdPerDay: 2 });
    expect(await answer()).toEqual({
      keyId: "key_1",
      keyUsdPerDay: 2,
      role: "member",
      keyTenantId: acme,
      tenantId: acme,
    });
    expect(used).toEqual(["key_1"]);
  });

  test("opens nothing when it is unknown, revoked, or its tenant is disabled, and is not noted", async () => {
    const { answer, state, used } = setup();
    expect(await answer("another-key")).toBe("invalid_api_key");
    expect(await setup({ isRevoked: true }).answer()).toBe("invalid_api_key");
    state.disabled = true;
    expect(await answer()).toBe("tenant_disabled");
    expect(used).toEqual([]);
  });

  test("opens until its very end, also when it was looked up before", async () => {
    const { clock, answer, state } = setup({ validUntil: createFakeClock().now() + 5_000 });
    await clock.advance(4_999);
    expect(await answer()).toMatchObject({ keyId: "key_1" });
    await clock.advance(1);
    expect([await answer(), state.lookups]).toEqual(["invalid_api_key", 1]);
  });
});

describe("what was looked up", () => {
  test("is kept for ten seconds, whether it is a key or none", async () => {
    const { clock, state, answer } = setup();
    for (const key of ["the-key", "no-key", "the-key", "no-key"]) await answer(key);
    await clock.advance(9_999);
    await answer();
    expect(state.lookups).toBe(2);
    await clock.advance(1);
    await answer();
    expect(state.lookups).toBe(3);
  });

  test("is forgotten when any key or tenant has changed", async () => {
    const { state, change, answer } = setup();
    expect(await answer()).toMatchObject({ keyId: "key_1" });
    change({ isRevoked: true });
    expect(await answer()).toMatchObject({ keyId: "key_1" });
    state.version += 1;
    expect(await answer()).toBe("invalid_api_key");
  });

  test("stays for a used key through a flood of unknown ones that is smaller than the cache", async () => {
    const { state, answer } = setup();
    await answer();
    for (let count = 0; count < 9_000; count += 1) await answer(`flood-${count}`);
    const before = state.lookups;
    await answer();
    expect(state.lookups).toBe(before);
  });
});

describe("?tenant=", () => {
  test("lets an admin act for another tenant", async () => {
    const { answer } = setup({ role: "admin" });
    const query = { tenant: "other", limit: "5" };
    expect(await answer("the-key", query)).toMatchObject({ tenantId: "other", keyTenantId: "acme" });
    expect(query).toEqual({ limit: "5" });
    expect(await answer("the-key", { tenant: "No Name" })).toBe("invalid_value");
  });

  test("is refused from anybody else, even for the own tenant", async () => {
    expect(await setup().answer("the-key", { tenant: "acme" })).toBe("permission_denied");
  });
});
