import { type TenantConfig, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { minute, setup, startOf, t0, tenant } from "./testing/setup.ts";

const acme = tenantId("acme");
const settings: TenantConfig = {
  weight: 2.5,
  maxPriority: 4,
  tags: ["eu"],
  limits: { tokensPerMinute: 1_000, usdPerDay: 0.5 },
};

describe("a tenant made over the API", () => {
  test("is kept with its settings and told to every process", async () => {
    const { ledger } = await setup();
    const before = await ledger.accessVersion();
    expect(await ledger.createTenant(acme, settings, t0)).toBe(true);
    expect(await ledger.accessVersion()).toBe(before + 1);
    expect(await ledger.findTenant(acme)).toEqual({
      id: acme,
      settings,
      createdAt: t0,
      updatedAt: t0,
      disabledAt: undefined,
    });
    expect((await ledger.madeTenants()).map(({ id }) => id)).toEqual([acme]);
  });

  test("is made once, but may take over a name that only had keys", async () => {
    const { ledger } = await setup();
    await ledger.ensureTenant(acme, t0);
    expect(await ledger.madeTenants()).toEqual([]);
    expect(await ledger.createTenant(acme, settings, t0 + 1)).toBe(true);
    expect(await ledger.createTenant(acme, { ...settings, weight: 9 }, t0 + 2)).toBe(false);
    expect(await ledger.findTenant(acme)).toMatchObject({ settings, createdAt: t0, updatedAt: t0 + 1 });
  });

  test("is changed, disabled since the first time, and enabled again", async () => {
    const { ledger } = await setup();
    await ledger.createTenant(acme, settings, t0);
    const change = (disabled: boolean, weight: number, now: number) =>
      ledger.changeTenant(
        acme,
        (found) => ({ settings: { ...settings, ...found.settings, weight }, disabled }),
        now,
      );
    const before = await ledger.accessVersion();
    await change(true, 3, t0 + 1);
    expect(await change(true, 4, t0 + 2)).toMatchObject({
      disabledAt: t0 + 1,
      settings: { weight: 4, tags: ["eu"] },
    });
    expect(await ledger.findTenant(acme)).toMatchObject({ disabledAt: t0 + 1, updatedAt: t0 + 2 });
    expect((await change(false, 4, t0 + 3))?.disabledAt).toBeUndefined();
    expect(await ledger.accessVersion()).toBe(before + 3);
    expect(
      await ledger.changeTenant(tenantId("gone"), () => ({ settings, disabled: false }), t0),
    ).toBeUndefined();
  });
});

test("tenants are listed by the bytes of their names", async () => {
  const { ledger } = await setup();
  for (const name of ["b_", "b-", "b0", "a"]) await ledger.ensureTenant(tenantId(name), t0);
  const list = async (order: "asc" | "desc", after?: string) =>
    (await ledger.listTenants({ order, limit: 3, after })).map(({ id }) => String(id));
  expect(await list("asc")).toEqual(["a", "b-", "b0"]);
  expect(await list("asc", "b0")).toEqual(["b_"]);
  expect(await list("desc", "b0")).toEqual(["b-", "a"]);
});

test("a tenant's use is what it has queued and running, its live keys, and what its calls cost or may", async () => {
  const { ledger, accepted, register, sql } = await setup();
  const worker = await register();
  await accepted({ tenantId: acme, tokens: 70 });
  await accepted({ tenantId: acme, tokens: 30 });
  const running = await accepted({ tenantId: acme, tokens: 500 });
  await accepted({ tokens: 9 });
  await ledger.startAttempts([{ ...startOf(running, worker, 0), held: { usd: 0.25, keyId: undefined } }]);
  const key = { tenantId: acme, role: "member", hint: "", name: "", now: t0 } as const;
  await ledger.ensureTenant(acme, t0);
  await ledger.createKey({ ...key, id: "key_1", hash: Buffer.from("1") });
  await ledger.createKey({ ...key, id: "key_2", hash: Buffer.from("2"), expiresAt: t0 });
  await sql`UPDATE attempts SET tenant_id = ${acme}, started_at = ${t0}`;
  const use = { queuedJobs: 2, queuedTokens: 100, runningJobs: 1, liveKeys: 1 };
  expect(await ledger.tenantUse(acme, t0, t0 + minute)).toEqual({ ...use, usd: 0.25 });
  expect(await ledger.tenantUse(acme, t0 + 1, t0 + minute)).toEqual({ ...use, usd: 0 });
  expect(await ledger.tenantUse(tenant, t0, t0)).toMatchObject({
    queuedJobs: 1,
    queuedTokens: 9,
    usd: 0,
    liveKeys: 0,
  });
});
