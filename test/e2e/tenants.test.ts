import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApiCaller } from "./kit/api-caller.ts";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { runCli } from "./kit/run-cli.ts";
import { type SecondApi, startSecondApi } from "./kit/second-api.ts";
import { chatJob, submitJobs, untilJobsEnd } from "./kit/submit.ts";
import { until } from "./kit/until.ts";

// A call of the model `priced` may cost 0.0042 dollars.
const config = `
version: 1
providers:
  narrow: { kind: simulator, ttft_ms: 40, tokens_per_second: 5000, concurrency: 2 }
  quick: { kind: simulator, ttft_ms: 20, tokens_per_second: 5000 }
pools:
  narrow: { targets: [{ id: narrow, provider: narrow, model: sim-8b, limits: { concurrency: 2 } }] }
  priced: { targets: [{ id: priced, provider: quick, model: sim-8b, price: { input: 10, output: 100 } }] }
models:
  auto: { pools: [narrow] }
  priced: { pools: [priced] }
tenants:
  written: { weight: 5 }
`;
/** Longer than any process needs to hear of a change, and far below what keeps it from ever hearing. */
const soonMs = 10_000;

let cluster: TestCluster;
let second: SecondApi;
beforeAll(async () => {
  cluster = await startTestCluster({ config, workers: 2 });
  second = await startSecondApi(cluster, config);
});
afterAll(async () => {
  await second?.stop();
  await cluster?.stop();
});
const cli = (...args: string[]) => runCli(cluster, args);
const callerAt = (url: string, key: string) => createApiCaller({ url, key });
const newKey = async (tenant: string, ...flags: string[]) =>
  cli("keys", "create", "test", "--tenant", tenant, ...flags);
const maxTokens = 40;

/** Jobs of a tenant, all of one size. */
async function submitFor(key: string, count: number): Promise<string[]> {
  const bodies = Array.from({ length: count }, (_, index) =>
    chatJob({ model: "auto", index: 1_000 + index, maxTokens }),
  );
  return submitJobs(callerAt(cluster.url, key), bodies);
}

/** Of the calls after the first `skip`, how many are those of `ids`, among `count`. */
async function shareOf(ids: ReadonlySet<string>, skip: number, count: number): Promise<number> {
  const calls = await until(`${skip + count} calls have begun`, async () => {
    const all = (await cluster.simulators["narrow"]?.calls()) ?? [];
    return all.length >= skip + count ? all.slice(skip, skip + count) : undefined;
  });
  return calls.filter(({ x_sluice_job_id: id }) => ids.has(id ?? "")).length;
}

test("tenants that are made while the cluster runs share it by their weights, also when these are changed", async () => {
  await cli("tenants", "create", "heavy", "--weight", "4");
  await cli("tenants", "create", "light");
  const [heavyKey, lightKey] = [await newKey("heavy"), await newKey("light")];
  const [heavy, light] = await Promise.all([submitFor(heavyKey.key, 220), submitFor(lightKey.key, 220)]);
  const heavyIds = new Set(heavy);
  // The first calls began when not both had submitted.
  const share = await shareOf(heavyIds, 40, 100);
  expect(share).toBeGreaterThan(65);
  expect(share).toBeLessThan(95);
  await cli("tenants", "set", "heavy", "--weight", "0.25");
  const begun = ((await cluster.simulators["narrow"]?.calls()) ?? []).length;
  const changed = await shareOf(heavyIds, begun + 50, 60);
  expect(changed).toBeLessThan(30);
  expect(changed).toBeGreaterThan(2);
  const shown = await cli("tenants", "show", "heavy");
  expect(shown).toMatchObject({ source: "api", weight: 0.25, use: { active_keys: 1 } });
  expect(shown.use.queued_jobs).toBeGreaterThan(0);
  expect(shown.use.queued_tokens).toBeGreaterThan(shown.use.queued_jobs * maxTokens);
  await Promise.all(
    [...heavy, ...light].map((id) =>
      cluster.api.post(`/v1/jobs/${id}/cancel?tenant=${heavyIds.has(id) ? "heavy" : "light"}`),
    ),
  );
});

describe("a key", () => {
  test("opens at every API process at once, and at none within seconds of being revoked", async () => {
    const made = await newKey("written");
    const both = [cluster.url, second.url].map((url) => callerAt(url, made.key));
    const statuses = async () => Promise.all(both.map(async (api) => (await api.get("/v1/jobs")).status));
    expect(await statuses()).toEqual([200, 200]);
    expect(await cli("keys", "revoke", made.id, "--tenant", "written")).toMatchObject({ status: "revoked" });
    expect((await both[0]?.get("/v1/jobs"))?.body.error).toMatchObject({ code: "invalid_api_key" });
    await until(
      "the other knows too",
      async () => ((await statuses())[1] === 401 ? true : undefined),
      soonMs,
    );
    const again = await cluster.api.post(`/v1/keys/${made.id}/rotate?tenant=written`);
    expect([again.status, again.body.error.code]).toEqual([409, "key_ended"]);
  });

  test("has two secrets while it is rotated, and remembers when it was last used", async () => {
    const made = await newKey("written");
    const rotated = await cli("keys", "rotate", made.id, "--tenant", "written", "--overlap", "1h");
    expect([rotated.id, rotated.key === made.key]).toEqual([made.id, false]);
    for (const key of [made.key, rotated.key])
      expect((await callerAt(second.url, key).get("/v1/jobs")).status).toBe(200);
    const last = await cli("keys", "rotate", made.id, "--tenant", "written", "--overlap", "0s");
    for (const key of [made.key, rotated.key])
      expect((await callerAt(cluster.url, key).get("/v1/jobs")).status).toBe(401);
    expect((await callerAt(second.url, last.key).get("/v1/jobs")).status).toBe(200);
    const { text } = await cluster.api.get("/v1/keys?tenant=written");
    expect(text).not.toContain("sk-sluice");
  });

  test("spends no more in a day than its usd_per_day", async () => {
    const made = await newKey("written", "--usd-per-day", "0.0045");
    const other = await newKey("written");
    const job = (index: number) => chatJob({ model: "priced", index, maxTokens }, { sla: "standard" });
    const api = callerAt(cluster.url, made.key);
    const [first] = await untilJobsEnd(api, await submitJobs(api, [job(1)]), 60_000);
    expect(first?.status).toBe("succeeded");
    const [waits = ""] = await submitJobs(api, [job(2)]);
    const held = await until("it waits", async () => {
      const { body } = await api.get(`/v1/jobs/${waits}`);
      return body.status === "waiting" ? body : undefined;
    });
    expect(held.waiting_for).toBe("budget.key");
    const rich = callerAt(cluster.url, other.key);
    const [runs] = await untilJobsEnd(rich, await submitJobs(rich, [job(3)]), 60_000);
    expect(runs?.status).toBe("succeeded");
    await api.post(`/v1/jobs/${waits}/cancel`);
    await cli("keys", "set", made.id, "--tenant", "written", "--usd-per-day", "1");
    const [more] = await untilJobsEnd(api, await submitJobs(api, [job(4)]), 60_000);
    expect(more?.status).toBe("succeeded");
    const { use } = await cli("tenants", "show", "written");
    expect(use.usd_last_24_hours).toBeGreaterThan(0.004);
  });

  test("is made and ended by admins only, never by itself, and never repeated", async () => {
    const { key } = await newKey("written");
    const member = callerAt(cluster.url, key);
    for (const path of ["/v1/keys", "/v1/tenants"]) {
      expect((await member.get(path)).body.error.code).toBe("permission_denied");
      expect((await member.post(path, { id: "x", name: "x", admin: true })).body.error.code).toBe(
        "permission_denied",
      );
    }
    const own = (await cluster.api.get("/v1/keys")).body.data.find(
      ({ name }: { name: string }) => name === "operator",
    );
    const x = { name: "x" };
    const refusals: [object, string, object?, object?][] = [
      [[409, "would_lock_out", null], `/v1/keys/${own.id}/revoke`],
      [[400, "invalid_request", "Idempotency-Key"], "/v1/keys", x, { "idempotency-key": "once" }],
      [[404, "not_found", "tenant"], "/v1/keys", { ...x, tenant: "nobody" }],
      [[400, "invalid_value", "expires_in"], "/v1/keys", { ...x, expires_in: "soon" }],
      [[400, "invalid_value", "expires_at"], "/v1/keys", { ...x, expires_at: "2020-01-01T00:00:00Z" }],
    ];
    for (const [expected, path, body, headers = {}] of refusals) {
      const { status, body: answer } = await cluster.api.post(path, body, { ...headers });
      expect([status, answer.error.code, answer.error.param]).toEqual(expected);
    }
  });
});

describe("a tenant", () => {
  test("that is disabled opens nothing at any API process, and works on when it is enabled", async () => {
    await cli("tenants", "create", "paused");
    const { key } = await newKey("paused", "--admin");
    const both = [cluster.url, second.url].map((url) => callerAt(url, key));
    const codes = async () =>
      Promise.all(both.map(async (api) => (await api.get("/v1/jobs")).body.error?.code ?? "open"));
    expect(await codes()).toEqual(["open", "open"]);
    expect((await both[0]?.post("/v1/tenants/paused", { enabled: false }))?.body.error.code).toBe(
      "would_lock_out",
    );
    await cli("tenants", "disable", "paused");
    const closed = async () =>
      (await codes()).every((code) => code === "tenant_disabled") ? true : undefined;
    await until("both are closed", closed, soonMs);
    await cli("tenants", "set", "paused", "--enable");
    await until(
      "both are open",
      async () => ((await codes()).join() === "open,open" ? true : undefined),
      soonMs,
    );
  });

  test("has the limits and the highest priority that it was given", async () => {
    await cli("tenants", "create", "small", "--max-priority", "3", "--limit", "enqueued_tokens=500");
    const { key } = await newKey("small");
    for (const url of [cluster.url, second.url]) {
      const api = callerAt(url, key);
      const priority = await until("the process knows it", async () => {
        const { status, body } = await api.post(
          "/v1/jobs",
          chatJob({ model: "auto", index: 1, maxTokens }, { priority: 4 }),
        );
        return status === 400 ? body.error.param : undefined;
      });
      expect(priority).toBe("priority");
      const large = await api.post("/v1/jobs", chatJob({ model: "auto", index: 1, maxTokens: 600 }));
      expect([large.status, large.body.error.message]).toEqual([400, expect.stringContaining("500")]);
    }
  });

  test("is kept from spending more in a day than it may", async () => {
    await cli("tenants", "create", "poor", "--limit", "usd_per_day=0.0045");
    const api = callerAt(cluster.url, (await newKey("poor")).key);
    // Workers know the tenant within seconds; from then on one call has used up its day.
    const held = await until("a job waits for the tenant's money", async () => {
      const [id = ""] = await submitJobs(api, [chatJob({ model: "priced", index: 4, maxTokens })]);
      const { body } = await api.get(`/v1/jobs/${id}?wait=2`);
      return body.status === "waiting" ? body : undefined;
    });
    expect(held.waiting_for).toBe("tenant.usd_per_day");
    await api.post(`/v1/jobs/${held.id}/cancel`);
  });

  test("of the configuration is shown, has keys, and is changed there only", async () => {
    expect((await cluster.api.get("/v1/tenants/written")).body).toMatchObject({
      source: "configuration",
      weight: 5,
    });
    const change = await cluster.api.post("/v1/tenants/written", { weight: 1 });
    const make = await cluster.api.post("/v1/tenants", { id: "default" });
    for (const { status, body } of [change, make])
      expect([status, body.error.code]).toEqual([409, "configured_tenant"]);
    cluster.reconfigure(config.replace("weight: 5", "weight: 6"));
    await until("the file is read again", async () =>
      (await cluster.api.get("/v1/tenants/written")).body.weight === 6 ? true : undefined,
    );
  });

  test("is listed with the others by name, page by page", async () => {
    const listed: string[] = [];
    for (let after = ""; ; ) {
      const { body } = await cluster.api.get(`/v1/tenants?limit=2${after}`);
      listed.push(...body.data.map(({ id }: { id: string }) => id));
      if (body.has_more !== true) break;
      after = `&after=${body.last_id}`;
    }
    expect(listed).toEqual([...new Set(listed)].toSorted());
    expect(listed).toEqual(expect.arrayContaining(["default", "heavy", "small", "written"]));
    expect((await cluster.api.get("/v1/tenants/nobody")).status).toBe(404);
    expect((await cluster.api.post("/v1/tenants", { id: "heavy" })).body.error.code).toBe("tenant_exists");
  });
});
