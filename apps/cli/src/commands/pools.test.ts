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
  version: "2026-11",
  state: "active",
  weight: 1,
  weight_given: false,
  in_flight: 3,
  use: { requests: 0.25, tokens: null },
  breaker: { state: "closed", reopens_at: null },
  health: null,
  paused: null,
  latency_ms: { mean: 120, p50: 100, p95: 1_400 },
  error_rate: 0.5,
  tokens_per_second: 40.4,
  spent_today_usd: 1.5,
};
const unknown = {
  ...target,
  id: "t2",
  version: null,
  in_flight: null,
  breaker: { state: "open", reopens_at: "2026-01-01T00:00:00.000Z" },
  latency_ms: { mean: null, p50: null, p95: null },
  tokens_per_second: null,
};
const failing = { ...target, id: "t3", health: { ok: false, passed_at: null, failures: 3 } };

async function pools(...words: string[]) {
  api = await startFakeApi({
    "GET /v1/pools": {
      json: { object: "list", data: [{ id: "small", targets: [target, unknown, failing] }] },
    },
    "POST /v1/pools/small/targets/t1/drain": { json: { ...target, state: "draining" } },
    "POST /v1/pools/small/targets/t1/resume": { json: target },
    "POST /v1/pools/small/targets/t1/weight": ({ body }) => {
      const { weight } = JSON.parse(body);
      return { json: { ...target, weight: weight ?? 1, weight_given: weight !== null } };
    },
    "POST /v1/pools/small/shift": ({ body }) => {
      const { from, to, percent } = JSON.parse(body);
      const given = { weight_given: true };
      return {
        json: {
          id: "small",
          targets: [
            { ...target, id: from, weight: 1 - percent / 100, ...given },
            { ...target, id: to, weight: percent / 100, ...given },
            { ...failing, weight: 5 },
          ],
        },
      };
    },
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
  const [head, first, second, third] = context.written().out.trim().split("\n");
  expect(head).toMatch(/^POOL +TARGET +VERSION +STATE +WEIGHT +IN FLIGHT/);
  expect(first?.split(/ {2,}/)).toEqual([
    "small",
    "t1",
    "2026-11",
    "active",
    "1",
    "3",
    "25 %",
    "–",
    "100 ms",
    "1,400 ms",
    "50 %",
    "40",
    "$1.50",
  ]);
  expect(second).toMatch(/t2 +– +breaker open +1 +– /);
  expect(third).toMatch(/t3 +2026-11 +3 health checks failed +1 /);
});

test("a drain says how many calls are still under way", async () => {
  expect(await pools("drain", "small", "t1")).toBe(0);
  expect(context.written().out).toBe("t1 takes nothing new; 3 calls are under way\n");
});

test("a weight is given and taken back, and said", async () => {
  expect(await pools("weight", "small", "t1", "0.25")).toBe(0);
  expect(context.written().out).toBe("t1 has the weight 0.25 given\n");
  await api?.close();
  expect(await pools("weight", "small", "t1", "configured")).toBe(0);
  expect(context.written().out).toBe("t1 has the weight 1\n");
});

test("a shift says what share each target gets", async () => {
  expect(await pools("shift", "small", "t1", "t2", "10%")).toBe(0);
  const lines = context.written().out.trim().split("\n");
  expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
    ["TARGET", "WEIGHT", "SHARE"],
    ["t1", "0.9 given", "90 %"],
    ["t2", "0.1 given", "10 %"],
    ["t3", "5", "3 health checks failed"],
  ]);
});

test.each([
  ["pause", "small"],
  ["pause", "small", "t1", "t2"],
  ["weight", "small", "t1"],
  ["weight", "small", "t1", "many"],
  ["shift", "small", "t1", "10"],
  ["shift", "small", "t1", "t2", "10", "more"],
])("%s %s is not sent when words are missing, too many or not numbers", async (...words) => {
  expect(await pools(...words)).toBe(2);
  expect(api?.received).toEqual([]);
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
  expect(context.written().err).toContain("sluice pools drain POOL TARGET");
});
