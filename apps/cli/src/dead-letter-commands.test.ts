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
  const code = await runProgram(context, args);
  return { code, ...context.written(), received: api.received };
}

const letter = {
  id: "job_1",
  cause: "attempts_exhausted: overloaded 503, timed-out",
  calls: [
    { outcome: "overloaded", status_code: 503, count: 3 },
    { outcome: "timed-out", status_code: null, count: 2 },
  ],
  model: "auto",
  target: "small-a",
  died_at: "2026-11-20T16:00:00.000Z",
  error: { code: "attempts_exhausted" },
};

test.each(["dead-letters", "redrive", "lanes"])("%s --help shows an example", async (command) => {
  const { code, out } = await sluice([command, "--help"]);
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`Examples:\\n  sluice ${command}`));
});

test("lists dead letters with how their calls ended, and how to go on", async () => {
  const { code, out, received } = await sluice(
    ["dead-letters", "--cause", "no target", "--since", "24h", "--batch", "batch_1"],
    { "GET /v1/dead-letters": { json: { data: [letter], has_more: true, last_id: "job_1" } } },
  );
  expect(code).toBe(0);
  expect(out).toContain("attempts_exhausted, overloaded 503 ×3, timed-out ×2");
  expect(out).toContain(
    "more: npx sluice dead-letters --batch batch_1 --cause 'no target' --since 24h --after job_1",
  );
  const { searchParams } = new URL(received[0]?.path ?? "", "http://here");
  expect(Object.fromEntries(searchParams)).toEqual({
    batch_id: "batch_1",
    cause: "no target",
    since: "24h",
    limit: "20",
  });
});

test("counts dead letters by cause", async () => {
  const group = { ...letter, count: 1234, newest_at: letter.died_at, sample_ids: ["job_1"] };
  const { out, received } = await sluice(["dead-letters", "--group"], {
    "GET /v1/dead-letters": { json: { data: [group], has_more: false } },
  });
  expect(out).toMatch(/1,234 +attempts_exhausted: overloaded 503, timed-out +auto +small-a/);
  expect(received[0]?.path).toBe("/v1/dead-letters?group_by=cause");
});

test("redrives what the flags say and shows the new jobs", async () => {
  const jobs = [{ from: "job_1", to: "job_9" }];
  const { code, out, received } = await sluice(
    ["redrive", "--model", "auto", "--to-pool", "large", "--to-pool", "small", "--deadline", "2h"],
    { "POST /v1/dead-letters/redrive": { json: { dry_run: false, redriven: 3, skipped: 1, jobs } } },
  );
  expect([code, out]).toEqual([0, "redriven: 3 jobs\njob_1  →  job_9\nand 2 more\n1 left as they are\n"]);
  expect(JSON.parse(received[0]?.body ?? "")).toEqual({
    filter: { model: "auto" },
    routing: { pools: ["large", "small"] },
    deadline: "2h",
  });
});

test("a dry run says what it would cost", async () => {
  const answer = {
    dry_run: true,
    count: 2,
    skipped: 0,
    tokens: { input: 2000, output: 300 },
    cost_usd: 0.0042,
  };
  const { out, received } = await sluice(["redrive", "job_1", "job_2", "--dry-run"], {
    "POST /v1/dead-letters/redrive": { json: answer },
  });
  expect(out).toBe("would redrive 2 jobs: 2,000 tokens in, 300 out, about $0.0042\n");
  expect(JSON.parse(received[0]?.body ?? "")).toEqual({ filter: { ids: ["job_1", "job_2"] }, dry_run: true });
});

test("redrives everything only when told so", async () => {
  const refused = await sluice(["redrive", "--to-pool", "large"]);
  expect([refused.code, refused.received]).toEqual([2, []]);
  await api?.close();
  const { code, received } = await sluice(["redrive", "--all", "--json"], {
    "POST /v1/dead-letters/redrive": { json: { dry_run: false, redriven: 0, skipped: 0, jobs: [] } },
  });
  expect([code, JSON.parse(received[0]?.body ?? "")]).toEqual([0, { filter: {} }]);
});

test("shows windows by their targets, with what waits behind them", async () => {
  const window = { candidate_set: "x", targets: ["a", "b"], jobs: 40, places: 48, parked: 12, running: 16 };
  const backlog = { jobs: 20_000, tokens: 5_000_000, tenants: 3 };
  const unserved = { ...window, targets: [], backlog: { jobs: 0, tokens: 0, tenants: 0 } };
  const { out } = await sluice(["lanes"], {
    "GET /v1/lanes": { json: { data: [], windows: [{ ...window, backlog }, unserved] } },
  });
  expect(out).toMatch(/a b +40 +48 +12 +16 +20,000 +5,000,000 +3\n/);
  expect(out).toMatch(/no target +40/);
});

test("shows lanes, also while Redis is away", async () => {
  const lane = {
    model: "auto",
    lane: { waiting: 1024, active: 16, delayed: 2 },
    backlog: { jobs: 20_000, tokens: 5_000_000 },
    jobs: { queued: 0, running: 0, waiting: 0 },
    oldest_wait_seconds: 125,
    estimates: { jobs: 1_200, by_p50: 0.512, by_p95: 0.957 },
  };
  const { out } = await sluice(["lanes"], {
    "GET /v1/lanes": {
      json: {
        data: [lane, { ...lane, model: "b", lane: null, oldest_wait_seconds: null, estimates: null }],
        windows: [],
      },
    },
  });
  expect(out).not.toContain("WINDOW");
  expect(out).toMatch(/auto +1,024 +16 +2 +20,000 +5,000,000 +2 min 5 s +51 % \/ 96 % of 1,200\n/);
  expect(out).toMatch(/b +\? +\? +\?/);
});
