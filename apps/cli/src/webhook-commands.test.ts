import { afterEach, expect, test } from "vitest";
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
  api = await startFakeApi(routes);
  context = testContext({ SLUICE_URL: api.url, SLUICE_API_KEY: "key-of-16-characters" });
  const code = await runProgram(context, ["webhooks", ...args]);
  const sent = api.received.map(({ method, path, body }) => [`${method} ${path}`, body] as const);
  return { code, ...context.written(), sent };
}

const endpoint = {
  id: "we_1",
  name: "mine",
  url: "https://example.com/hook",
  event_types: ["job.succeeded", "job.dead"],
  webhook_payload: "thin",
  status: "enabled",
  disabled_reason: null,
  failing_since: null,
  signing_secret_hint: "whsec_…abcd",
};

const delivery = {
  id: "dlv_1",
  status: "pending",
  event_id: "evt_1",
  event_type: "job.dead",
  object_id: "job_1",
  url: endpoint.url,
  next_attempt_at: "2026-11-20T16:00:00.000Z",
  status_code: 503,
  latency_ms: 12.4,
  error: null,
  response: "busy",
  attempts: [{}, {}],
};

test.each(["list", "create", "update", "rotate", "ping", "delete", "deliveries", "redeliver", "replay"])(
  "webhooks %s --help shows an example",
  async (name) => {
    const { code, out } = await sluice([name, "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples:\\n  sluice webhooks ${name}`));
    expect(out).toContain("--json");
  },
);

test("lists endpoints with their state", async () => {
  const all = [
    endpoint,
    { ...endpoint, id: "we_2", status: "disabled", disabled_reason: "gone" },
    { ...endpoint, id: "we_3", failing_since: 1_795_000_000 },
  ];
  const { out } = await sluice(["list"], {
    "GET /v1/webhook_endpoints": { json: { data: all, has_more: true, last_id: "we_3" } },
  });
  expect(out).toMatch(/we_1 +enabled +thin +job\.succeeded,job\.dead +https:\/\/example\.com\/hook +mine/);
  expect(out).toMatch(/we_2 +disabled \(gone\)/);
  expect(out).toMatch(/we_3 +failing since 2026-/);
  expect(out).toContain("more: npx sluice webhooks list --after we_3");
});

test("creates an endpoint and shows its secret", async () => {
  const { code, out, sent } = await sluice(
    ["create", endpoint.url, "--event", "job.succeeded", "--event", "job.dead", "--payload", "full"],
    { "POST /v1/webhook_endpoints": { json: { ...endpoint, signing_secret: "whsec_x" } } },
  );
  expect([code, out]).toEqual([0, "we_1\nsecret (shown this once): whsec_x\n"]);
  expect(JSON.parse(sent[0]?.[1] ?? "")).toEqual({
    url: endpoint.url,
    event_types: ["job.succeeded", "job.dead"],
    webhook_payload: "full",
  });
});

test("says what is missing or does not go together", async () => {
  expect((await sluice(["create", endpoint.url])).code).toBe(2);
  await api?.close();
  expect((await sluice(["update", "we_1"])).code).toBe(2);
  await api?.close();
  const { code, sent } = await sluice(["update", "we_1", "--enable", "--disable"]);
  expect([code, sent]).toEqual([2, []]);
});

test("changes, enables and disables an endpoint", async () => {
  const routes = { "POST /v1/webhook_endpoints/we_1": { json: endpoint } };
  const { sent } = await sluice(["update", "we_1", "--name", "other", "--disable"], routes);
  expect(JSON.parse(sent[0]?.[1] ?? "")).toEqual({ name: "other", enabled: false });
  await api?.close();
  const enabled = await sluice(["update", "we_1", "--enable", "--json"], routes);
  expect(JSON.parse(enabled.sent[0]?.[1] ?? "")).toEqual({ enabled: true });
  expect(JSON.parse(enabled.out)).toEqual(endpoint);
});

test("rotates a secret, keeping the old one when told so", async () => {
  const { out, sent } = await sluice(["rotate", "we_1", "--keep-old"], {
    "POST /v1/webhook_endpoints/we_1/rotate_secret": { json: { ...endpoint, signing_secret: "whsec_y" } },
  });
  expect(out).toBe("secret (shown this once): whsec_y\nthe old one signs too for 24 hours\n");
  expect(JSON.parse(sent[0]?.[1] ?? "")).toEqual({ keep_old_secret_active_for_24_hours: true });
});

test.each([
  [204, 0],
  [500, 1],
])("pings: an answer of %i ends with exit code %i", async (statusCode, exitCode) => {
  const answer = { status_code: statusCode, event_type: "batch.completed" };
  const { code, out, sent } = await sluice(["ping", "we_1", "--event", "batch.completed"], {
    "POST /v1/webhook_endpoints/we_1/test": { json: answer },
  });
  expect([code, out]).toEqual([exitCode, `it answered ${statusCode} to batch.completed\n`]);
  expect(JSON.parse(sent[0]?.[1] ?? "")).toEqual({ event_type: "batch.completed" });
});

test("deletes an endpoint", async () => {
  const { out } = await sluice(["delete", "we_1"], {
    "DELETE /v1/webhook_endpoints/we_1": { json: { id: "we_1", deleted: true } },
  });
  expect(out).toBe("deleted we_1\n");
});

test("shows deliveries of an endpoint, or of the tenant", async () => {
  const page = { json: { data: [delivery], has_more: true, last_id: "dlv_1" } };
  const { out, sent } = await sluice(["deliveries", "we_1", "--status", "pending"], {
    "GET /v1/webhook_endpoints/we_1/deliveries": page,
  });
  expect(out).toMatch(/dlv_1 +pending +job\.dead +job_1 +2 +503 +12 +2026-11-20T16/);
  expect(out).toContain("more: npx sluice webhooks deliveries we_1 --status pending --after dlv_1");
  expect(sent[0]?.[0]).toBe("GET /v1/webhook_endpoints/we_1/deliveries?limit=20&status=pending");
  await api?.close();
  const all = await sluice(["deliveries", "--json"], { "GET /v1/webhook_deliveries": page });
  expect(JSON.parse(all.out).data).toEqual([delivery]);
});

test("sends one again, or all since a time", async () => {
  const again = await sluice(["redeliver", "dlv_1"], {
    "POST /v1/webhook_deliveries/dlv_1/redeliver": { json: { ...delivery, id: "dlv_2" } },
  });
  expect(again.out).toBe("job.dead evt_1 is sent again as dlv_2\n");
  await api?.close();
  const { out, sent } = await sluice(["replay", "we_1", "--since", "24h"], {
    "POST /v1/webhook_endpoints/we_1/replay": { json: { count: 3, since: "2026-11-20T16:00:00.000Z" } },
  });
  expect(out).toBe("3 events since 2026-11-20T16:00:00.000Z sent again\n");
  expect(JSON.parse(sent[0]?.[1] ?? "")).toEqual({ since: "24h" });
});
