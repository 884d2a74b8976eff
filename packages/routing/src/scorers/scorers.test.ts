import type { Target, TargetSignals } from "@sluice/domain";
import { array, assert, double, integer, option, property, record } from "fast-check";
import { expect, test } from "vitest";
import { makeRequest, makeSignals, makeTarget } from "../testing/make-input.ts";
import { scorers } from "./index.ts";

type Changes = Partial<TargetSignals> & { readonly target?: Partial<Target> };

function scoresOf(name: string, all: readonly Changes[]): number[] {
  const candidates = all.map(({ target, ...signals }, i) => ({
    target: makeTarget(`t${i}`, target),
    signals: makeSignals(signals),
  }));
  const scores = new Float64Array(all.length);
  scorers.get(name)?.score(candidates, scores, { request: makeRequest(), now: 0 });
  return [...scores];
}

const price = (input: number, output: number) => ({
  target: { price: { input, cachedInput: input, output } },
});

test.each<[string, Changes[], number[]]>([
  ["cost", [price(1, 1), price(2, 2), price(4, 4)], [1, 0.5, 0.25]],
  ["cost", [price(0, 0), price(1, 1)], [1, 0]],
  ["headroom", [{ requestsUsed: 0.25, tokensUsed: 0.75 }, { concurrencyUsed: 1 }, {}], [0.25, 0, 1]],
  ["headroom", [{ requestsUsed: 1 }, { tokensUsed: 1.2 }], [1, 1]],
  ["latency", [{ latencyMs: 500 }, { latencyMs: 1_000 }], [1, 0.5]],
  ["latency", [{ latencyMs: 500 }, { latencyMs: 500, errorRate: 0.5 }], [1, 0.5]],
  ["latency", [{ latencyMs: 500 }, {}], [1, 1]],
  ["latency", [{}, {}], [1, 1]],
  ["backlog", [{ inFlight: 0 }, { inFlight: 5 }, { inFlight: 10 }], [1, 0.5, 0]],
  ["backlog", [{ inFlight: 3 }, { inFlight: 3 }], [1, 1]],
  ["backlog", [{ inFlight: 30, target: { weight: 3 } }, { inFlight: 10 }], [1, 1]],
  ["weight", [{ target: { weight: 4 } }, { target: { weight: 1 } }], [1, 0.25]],
  ["weight", [{ target: { weight: 4 }, weight: 0 }, { target: { weight: 1 } }], [0, 1]],
  ["backlog", [{ inFlight: 30, weight: 3 }, { inFlight: 10 }], [1, 1]],
])("%s of %j is %j", (name, all, expected) => {
  expect(scoresOf(name, all)).toEqual(expected);
});

const share = double({ min: 0, max: 1.5, noNaN: true });
const changes = record({
  inFlight: integer({ min: 0, max: 1_000 }),
  requestsUsed: share,
  tokensUsed: share,
  concurrencyUsed: share,
  latencyMs: option(double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
  errorRate: double({ min: 0, max: 1, noNaN: true }),
});

test.each([...scorers.keys()])("%s is always within 0..1, and its best candidate is above 0", (name) => {
  assert(
    property(array(changes, { minLength: 1, maxLength: 8 }), (all) => {
      const scores = scoresOf(name, all);
      for (const score of scores) {
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
      }
      expect(Math.max(...scores)).toBeGreaterThan(0);
    }),
  );
});

test.each([...scorers.keys()])("%s gives 1 to all candidates that do not differ", (name) => {
  expect(
    scoresOf(name, [
      { inFlight: 7, latencyMs: 9 },
      { inFlight: 7, latencyMs: 9 },
    ]),
  ).toEqual([1, 1]);
});

test("stickiness prefers the same target for each job of a session, and moves few sessions when one goes", () => {
  const ids = ["a", "b", "c", "d"];
  const preferred = (session: string, of: readonly string[]) => {
    const candidates = of.map((id) => ({ target: makeTarget(id), signals: makeSignals() }));
    const scores = new Float64Array(of.length);
    const request = makeRequest({ metadata: { session } });
    scorers.get("stickiness")?.score(candidates, scores, { request, now: 0 });
    expect([...scores].sort()).toEqual(of.map((_, i) => 1 / (i + 1)).sort());
    return of[scores.indexOf(1)];
  };
  const sessions = Array.from({ length: 400 }, (_, i) => `session-${i}`);
  const before = sessions.map((session) => preferred(session, ids));
  expect(new Set(before).size).toBe(4);
  expect(sessions.map((session) => preferred(session, ids))).toEqual(before);
  const after = sessions.map((session) => preferred(session, ["a", "b", "c"]));
  for (const [i, target] of after.entries()) if (before[i] !== "d") expect(target).toBe(before[i]);
});
