import { array, assert, integer, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../seeded-random.ts";
import { createModelledTarget, type TargetModel } from "./modelled-target.ts";

const plain: TargetModel = { ttftMs: 500, tokensPerSecond: 50, errorRate: 0, limits: {} };
const make = (changes: Partial<TargetModel>) =>
  createModelledTarget({ ...plain, ...changes }, seededRandom(1, "t"));
const call = { inputTokens: 100, outputTokens: 100 };

describe("a modelled target", () => {
  test("answers after the time to its first token and the time that the others take", () => {
    expect(make({}).arrive(0, call)).toEqual({ kind: "succeeded", lastsMs: 2_500 });
  });

  test("refuses the call that does not fit, and takes one again when an older has left the minute", () => {
    const target = make({ limits: { tokensPerMinute: 400 } });
    expect([0, 10, 20].map((at) => target.arrive(at, call).kind)).toEqual([
      "succeeded",
      "succeeded",
      "throttled",
    ]);
    expect(target.arrive(59_999, call).kind).toBe("throttled");
    expect(target.arrive(60_000, call).kind).toBe("succeeded");
    expect(target.arrive(60_000, call).kind).toBe("throttled");
  });

  test("has a place again when a call has ended", () => {
    const target = make({ limits: { concurrency: 1 } });
    expect(target.arrive(0, call).kind).toBe("succeeded");
    expect(target.arrive(1, call).kind).toBe("throttled");
    target.end();
    expect(target.arrive(2, call).kind).toBe("succeeded");
  });

  test("fails the share of calls that it is told to", () => {
    const target = make({ errorRate: 0.2 });
    const failed = Array.from({ length: 2_000 }, () => target.arrive(0, call)).filter(
      ({ kind }) => kind === "failed",
    );
    expect(Math.abs(failed.length / 2_000 - 0.2)).toBeLessThan(0.04);
  });

  test("never takes more than its limits in any 60 s", () => {
    const arrival = record({ gap: integer({ min: 0, max: 9_000 }), tokens: integer({ min: 1, max: 300 }) });
    assert(
      property(array(arrival, { maxLength: 200 }), (arrivals) => {
        const target = make({ limits: { requestsPerMinute: 10, tokensPerMinute: 1_000 } });
        const taken: { at: number; tokens: number }[] = [];
        let at = 0;
        for (const { gap, tokens } of arrivals) {
          at += gap;
          if (target.arrive(at, { inputTokens: tokens, outputTokens: 0 }).kind === "succeeded")
            taken.push({ at, tokens });
        }
        for (const { at: end } of taken) {
          const within = taken.filter((other) => other.at > end - 60_000 && other.at <= end);
          expect(within.length).toBeLessThanOrEqual(10);
          expect(within.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(1_000);
        }
      }),
    );
  });
});
