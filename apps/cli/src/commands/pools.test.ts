import { afterEach, expect, test } from "vitest";
import { type FakeApi, startFakeApi, type TestContext, testContext } from "../fake-api.fixture.ts";
import { runProgram } from "../program.ts";

let context: TestContext;
let api: FakeApi | undefined;
afterEach(async () => {
  context.remove();
  await api?.close();
  api = undefined;
});

const target = {
  id: "t1",
  state: "active",
  in_flight: 3,
  use: { requests: 0.25, tokens: null },
  breaker: { state: "closed", reopens_at: null },
  paused: null,
  latency_ms: { mean: 120, p50: 100, p95: 1_400 },
  error_rate: 0.5,
  tokens_per_second: 40.4,
  spent_today_usd: 1.5,
};
const unknown = {
  ...target,
  id: "t2",
  in_flight: null,
  breaker: { state: "open", reopens_at: "2026-01-01T00:00:00.000Z" },
  latency_ms: { mean: null, p50: null, p95: null },
  tokens_per_second: null,
};

async function pools(...words: string[]) {
  api = await startFakeApi({
    "GET /v1/pools": { json: { object: "list", data: [{ id: "small", targets: [target, unknown] }] } },
    "POST /v1/pools/small/targets/t1/drain": { json: { ...target, state: "draining" } },
    "POST /v1/pools/small/targets/t1/resume": { json: target },
    "POST /v1/pools/small/targets/none/pause": {
      status: 404,
      json: { error: { message: 'Pool small has no target "none".', param: "target", code: "not_found" } },
    },
  });
  context = testContext({ SLUICE_URL: api.url, SLUICE_API_KEY: "key-of-sixteen-chars" });
  return runProgram(context, ["pools", ...words]);
}

test("pools shows each target with what it takes and how it is", async () => {
  expect(await pools()).toBe(0);
  const [head, first, second] = context.written().out.trim().split("\n");
  expect(head).toMatch(/^POOL +TARGET +STATE +IN FLIGHT/);
  expect(first?.split(/ {2,}/)).toEqual([
    "small",
    "t1",
    "active",
    "3",
    "25 %",
    "–",
    "100 ms",
    "1,400 ms",
    "50 %",
    "40",
    "$1.50",
  ]);
  expect(second).toMatch(/t2 +breaker open +– /);
});

test("a drain says how many calls are still under way", async () => {
  expect(await pools("drain", "small", "t1")).toBe(0);
  expect(context.written().out).toBe("t1 takes nothing new; 3 calls are under way\n");
});

test("with --json it answers what the API said", async () => {
  expect(await pools("resume", "small", "t1", "--json")).toBe(0);
  expect(JSON.parse(context.written().out)).toEqual(target);
});

test("a target that does not exist, an operation that does not, or none named, is said", async () => {
  expect(await pools("pause", "small", "none")).toBe(1);
  expect(context.written().err).toContain('has no target "none"');
  await api?.close();
  expect(await pools("stop", "small", "t1")).toBe(2);
  expect(context.written().err).toContain("pause, resume, drain");
  await api?.close();
  expect(await pools("pause", "small")).toBe(2);
});
