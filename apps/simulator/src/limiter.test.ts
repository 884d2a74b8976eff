import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLimiter, type Limits } from "./limiter.ts";

/** The rule in its plainest words: look at every admitted call again. */
function createOracle(limits: Limits) {
  const admitted: { at: number; tokens: number; isOpen: boolean }[] = [];
  return {
    fits(at: number, tokens: number): boolean {
      const recent = admitted.filter((call) => at - call.at < 60_000);
      const used = recent.reduce((sum, call) => sum + call.tokens, 0);
      if (limits.requestsPerMinute > 0 && recent.length + 1 > limits.requestsPerMinute) return false;
      if (limits.tokensPerMinute > 0 && used + tokens > limits.tokensPerMinute) return false;
      return (
        limits.concurrency === 0 || admitted.filter((call) => call.isOpen).length + 1 <= limits.concurrency
      );
    },
    admit: (at: number, tokens: number): unknown => admitted.push({ at, tokens, isOpen: true }),
    release(): boolean {
      const open = admitted.find((call) => call.isOpen);
      if (open) open.isOpen = false;
      return open !== undefined;
    },
    peak(): { requests: number; tokens: number } {
      const windows = admitted.map((end, index) =>
        admitted.slice(0, index + 1).filter((call) => end.at - call.at < 60_000),
      );
      return {
        requests: Math.max(0, ...windows.map((window) => window.length)),
        tokens: Math.max(0, ...windows.map((window) => window.reduce((sum, call) => sum + call.tokens, 0))),
      };
    },
  };
}

const someLimits = fc.record({
  requestsPerMinute: fc.integer({ min: 0, max: 12 }),
  tokensPerMinute: fc.oneof(fc.constant(0), fc.integer({ min: 50, max: 600 })),
  concurrency: fc.integer({ min: 0, max: 5 }),
});
const someSteps = fc.array(
  fc.record({
    wait: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.constantFrom(0, 1, 59_999, 60_000, 60_001)),
    tokens: fc.integer({ min: 0, max: 200 }),
    action: fc.constantFrom("arrive", "arrive", "release"),
  }),
  { maxLength: 80 },
);
const never = (): number => 1000;

describe("the limiter", () => {
  test("admits exactly what the naive rule admits, and reports the same peaks", () => {
    fc.assert(
      fc.property(someLimits, someSteps, (limits, steps) => {
        const limiter = createLimiter(limits);
        const oracle = createOracle(limits);
        let at = 0;
        for (const { wait, tokens, action } of steps) {
          at += wait;
          if (action === "release") {
            if (oracle.release()) limiter.release();
            continue;
          }
          const fits = oracle.fits(at, tokens);
          expect(limiter.admit({ at, tokens, placeFreeInMs: never }).kind).toBe(
            fits ? "admitted" : "refused",
          );
          if (fits) oracle.admit(at, tokens);
        }
        expect(limiter.peaks()).toMatchObject(oracle.peak());
      }),
      { numRuns: 500 },
    );
  });

  test("says exactly how long to wait: then the call fits, a millisecond earlier it does not", () => {
    let checked = 0;
    fc.assert(
      fc.property(someLimits, someSteps, (limits, steps) => {
        const windows = { ...limits, concurrency: 0 };
        const limiter = createLimiter(windows);
        const oracle = createOracle(windows);
        let at = 0;
        for (const { wait, tokens } of steps) {
          at += wait;
          const admission = limiter.admit({ at, tokens, placeFreeInMs: never });
          if (admission.kind === "admitted") oracle.admit(at, tokens);
          else if (admission.retryAfterMs === undefined)
            expect(tokens).toBeGreaterThan(limits.tokensPerMinute);
          else {
            checked += 1;
            expect(oracle.fits(at + admission.retryAfterMs, tokens)).toBe(true);
            expect(oracle.fits(at + admission.retryAfterMs - 1, tokens)).toBe(false);
          }
        }
      }),
      { numRuns: 500 },
    );
    expect(checked).toBeGreaterThan(100);
  });

  test("waits for a place when only concurrency is exhausted", () => {
    const limiter = createLimiter({ requestsPerMinute: 0, tokensPerMinute: 0, concurrency: 1 });
    limiter.admit({ at: 0, tokens: 1, placeFreeInMs: never });
    expect(limiter.admit({ at: 5, tokens: 1, placeFreeInMs: () => 42 })).toMatchObject({
      by: "concurrency",
      retryAfterMs: 42,
    });
    limiter.release();
    expect(limiter.admit({ at: 6, tokens: 1, placeFreeInMs: never }).kind).toBe("admitted");
  });

  test("keeps its window when the ring has to grow", () => {
    const limiter = createLimiter({ requestsPerMinute: 5000, tokensPerMinute: 0, concurrency: 0 });
    for (let at = 0; at < 70_000; at += 10) limiter.admit({ at, tokens: 1, placeFreeInMs: never });
    expect(limiter.peaks().requests).toBe(5000);
    expect(limiter.peaks().tokens).toBe(5000);
  });
});
