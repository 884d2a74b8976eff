import { afterEach, describe, expect, test } from "vitest";
import { type FakeApi, startFakeApi, type TestContext, testContext } from "./fake-api.fixture.ts";
import { runProgram } from "./program.ts";

let api: FakeApi | undefined;
let context: TestContext;
afterEach(async () => {
  await api?.close();
  api = undefined;
  context.remove();
});

/** Runs one command against a fake API. */
async function sluice(args: string[], routes: Parameters<typeof startFakeApi>[0] = {}) {
  await api?.close();
  api = await startFakeApi(routes);
  context = testContext({ SLUICE_URL: api.url, SLUICE_API_KEY: "key-of-16-characters" });
  const code = await runProgram(context, args);
  const sent = api.received.map(({ method, path, body }) => ({
    call: `${method} ${path}`,
    body: body === "" ? undefined : JSON.parse(body),
  }));
  return { code, ...context.written(), sent };
}

const key = {
  id: "key_1",
  tenant: "research",
  name: "nightly",
  admin: false,
  hint: "…abcd",
  status: "active",
  limits: { usd_per_day: 20 },
  created_at: "2026-11-20T15:00:00.000Z",
  last_used_at: null,
  expires_at: "2027-02-18T15:00:00.000Z",
};

const tenant = {
  id: "research",
  source: "api",
  status: "enabled",
  weight: 2,
  max_priority: 9,
  tags: ["eu", "nightly"],
  limits: { requests_per_minute: null, usd_per_day: 50 },
};

test.each([
  ...["create", "list", "show", "set", "revoke", "rotate"].map((name) => ["keys", name] as const),
  ...["create", "list", "show", "set", "disable"].map((name) => ["tenants", name] as const),
])("%s %s --help shows an example", async (group, name) => {
  const { code, out } = await sluice([group, name, "--help"]);
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`Examples:\\n  sluice ${group} ${name}`));
  expect(out).toContain("--json");
});

describe("keys", () => {
  test("create shows the key, this once", async () => {
    const flags = ["--tenant", "research", "--expires-in", "90d", "--usd-per-day", "20", "--admin"];
    const { code, out, sent } = await sluice(["keys", "create", "nightly", ...flags], {
      "POST /v1/keys": { json: { ...key, key: "sk-sluice-x" } },
    });
    expect([code, out]).toEqual([0, "key_1 of tenant research\nkey (shown this once): sk-sluice-x\n"]);
    const limits = { usd_per_day: 20 };
    const body = { tenant: "research", name: "nightly", admin: true, expires_in: "90d", limits };
    expect(sent).toEqual([{ call: "POST /v1/keys", body }]);
  });

  test("create refuses money that is none without a call", async () => {
    const { code, sent } = await sluice(["keys", "create", "nightly", "--usd-per-day", "lots"]);
    expect([code, sent]).toEqual([2, []]);
  });

  test("list shows each with state, budget and last use, and how to get on", async () => {
    const all = [
      key,
      { ...key, id: "key_2", admin: true, status: "revoked", last_used_at: "2026-11-28T08:00:00.000Z" },
    ];
    const { out, sent } = await sluice(["keys", "list", "--tenant", "research"], {
      "GET /v1/keys": { json: { data: all, has_more: true, last_id: "key_2" } },
    });
    expect(out).toMatch(/key_1 +research +member +active +…abcd +\$20\.00 +never +2027-02-18\S+ +nightly/);
    expect(out).toMatch(/key_2 +research +admin +revoked +…abcd +\$20\.00 +2026-11-28T08/);
    expect(out).toContain("more: npx sluice keys list --tenant research --after key_2");
    expect(sent[0]?.call).toBe("GET /v1/keys?tenant=research&limit=20");
  });

  test("show, revoke and rotate name the tenant where it is another", async () => {
    const shown = await sluice(["keys", "show", "key_1", "--json"], { "GET /v1/keys/key_1": { json: key } });
    expect(JSON.parse(shown.out)).toEqual(key);
    const revoked = await sluice(["keys", "revoke", "key_1", "--tenant", "research"], {
      "POST /v1/keys/key_1/revoke": { json: { ...key, status: "revoked" } },
    });
    expect(revoked.out).toBe("key_1 (nightly) is revoked\n");
    expect(revoked.sent[0]?.call).toBe("POST /v1/keys/key_1/revoke?tenant=research");
    const routes = { "POST /v1/keys/key_1/rotate": { json: { ...key, key: "sk-sluice-y" } } };
    const rotated = await sluice(["keys", "rotate", "key_1"], routes);
    expect(rotated.out).toBe("key (shown this once): sk-sluice-y\nthe old one opens for 24h more\n");
    expect(rotated.sent[0]?.body).toEqual({ overlap: "24h" });
    const atOnce = await sluice(["keys", "rotate", "key_1", "--overlap", "0s"], routes);
    expect(atOnce.out).toContain("the old one has ended");
  });

  test("set changes the name or the budget, which none leaves to the tenant", async () => {
    const routes = { "POST /v1/keys/key_1": { json: key } };
    const named = await sluice(["keys", "set", "key_1", "--name", "daily", "--usd-per-day", "5"], routes);
    expect(named.sent[0]?.body).toEqual({ name: "daily", limits: { usd_per_day: 5 } });
    const freed = await sluice(["keys", "set", "key_1", "--usd-per-day", "none"], routes);
    expect(freed.sent[0]?.body).toEqual({ limits: { usd_per_day: null } });
    const nothing = await sluice(["keys", "set", "key_1"], routes);
    expect([nothing.code, nothing.sent]).toEqual([2, []]);
  });

  test("an error is what the API says", async () => {
    const error = { message: "This is the last admin key: make another first.", code: "would_lock_out" };
    const { code, err } = await sluice(["keys", "revoke", "key_1"], {
      "POST /v1/keys/key_1/revoke": { status: 409, json: { error } },
    });
    expect(code).toBe(1);
    expect(err).toContain(error.message);
  });
});

describe("tenants", () => {
  test("create sends the settings that are named", async () => {
    const flags = ["--weight", "2", "--limit", "usd_per_day=50", "--limit", "concurrency=8", "--tag", "eu"];
    const { code, out, sent } = await sluice(["tenants", "create", "research", ...flags], {
      "POST /v1/tenants": { json: tenant },
    });
    expect(code).toBe(0);
    expect(out).toMatch(/research +enabled +api +2 +9 +eu,nightly +usd_per_day=50/);
    const limits = { usd_per_day: 50, concurrency: 8 };
    expect(sent[0]?.body).toEqual({ id: "research", weight: 2, tags: ["eu"], limits });
  });

  test("set changes what is named and takes limits away", async () => {
    const routes = { "POST /v1/tenants/research": { json: tenant } };
    const { sent } = await sluice(
      ["tenants", "set", "research", "--limit", "usd_per_day=none", "--max-priority", "4", "--enable"],
      routes,
    );
    expect(sent[0]?.body).toEqual({ max_priority: 4, limits: { usd_per_day: null }, enabled: true });
    const untagged = await sluice(["tenants", "set", "research", "--tag", ""], routes);
    expect(untagged.sent[0]?.body).toEqual({ tags: [] });
  });

  test.each([
    ["nothing", []],
    ["a weight that is no number", ["--weight", "heavy"]],
    ["a limit without a value", ["--limit", "usd_per_day"]],
    ["a limit that is no number", ["--limit", "usd_per_day=much"]],
    ["an empty limit", ["--limit", "usd_per_day="]],
  ])("set refuses %s without a call", async (_what, flags) => {
    const { code, sent } = await sluice(["tenants", "set", "research", ...flags]);
    expect([code, sent]).toEqual([2, []]);
  });

  test("list, show and disable", async () => {
    const page = { data: [tenant], has_more: true, last_id: "research" };
    const listed = await sluice(["tenants", "list"], { "GET /v1/tenants": { json: page } });
    expect(listed.out).toContain("more: npx sluice tenants list --after research");
    const use = {
      usd_last_24_hours: 12.5,
      queued_jobs: 1_200,
      queued_tokens: 90_000,
      running_jobs: 3,
      active_keys: 2,
    };
    const shown = await sluice(["tenants", "show", "research"], {
      "GET /v1/tenants/research": { json: { ...tenant, use } },
    });
    const spent = "$12.50 in 24 hours, 1,200 queued (90,000 tokens), 3 running, 2 active keys";
    expect(shown.out).toContain(`${spent}\n`);
    const disabled = await sluice(["tenants", "disable", "research"], {
      "POST /v1/tenants/research": { json: { ...tenant, status: "disabled" } },
    });
    expect(disabled.sent[0]?.body).toEqual({ enabled: false });
    expect(disabled.out).toContain("its keys open nothing");
  });
});
