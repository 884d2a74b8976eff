import { describe, expect, test } from "vitest";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { take } from "./setup.ts";
import { testRequest, testTarget } from "./values.ts";

/** For tests: how much of a token limit every capacity keeps free; `setup` makes an empty one. */
export function marginConformance(setup: () => Promise<CapacityUnderTest>): void {
  /** A target that has answered 20 calls, whose output was off by so many tokens of the 100 that were expected. */
  async function answered(tokensPerMinute: number, errors: readonly number[]) {
    const { capacity, clock } = await setup();
    const target = testTarget("a", { tokensPerMinute });
    for (let n = 0; n < 20; n += 1) {
      const reservation = await take(capacity, testRequest(target, { inputTokens: 10, outputTokens: 100 }));
      const outputTokens = 100 + (errors[n % errors.length] ?? 0);
      await capacity.settle(reservation, { inputTokens: 10, outputTokens, costUsd: 0, sentAfterMs: 0 });
      clock.advance(61_000);
    }
    return { capacity, target };
  }

  describe("the margin of a token limit", () => {
    test("is 3 % while nothing is known", async () => {
      const { capacity } = await setup();
      const target = testTarget("a", { tokensPerMinute: 1_000 });
      await take(capacity, testRequest(target, { inputTokens: 450, outputTokens: 450 }));
      const asking = (inputTokens: number) =>
        capacity.reserve(testRequest(target, { inputTokens, outputTokens: 0 }));
      expect(await asking(71)).toMatchObject({ kind: "denied", limit: "target.tokens_per_minute" });
      expect(await asking(70)).toMatchObject({ kind: "granted" });
    });

    test("is 1 % once calls turn out as expected, or cheaper", async () => {
      for (const errors of [[0], [-50]]) {
        const { capacity, target } = await answered(1_000, errors);
        await take(capacity, testRequest(target, { inputTokens: 450, outputTokens: 450 }));
        const asking = (inputTokens: number) =>
          capacity.reserve(testRequest(target, { inputTokens, outputTokens: 0 }));
        expect(await asking(91)).toMatchObject({ kind: "denied", limit: "target.tokens_per_minute" });
        expect(await asking(90)).toMatchObject({ kind: "granted" });
      }
    });

    test.each([
      ["three deviations of all calls under way where they scatter", [50, -50], 300],
      ["what all calls under way take more where they are dearer", [60], 240],
      ["15 % at most", [9_000], 1_500],
    ])("is %s", async (_name, errors, margin) => {
      const { capacity, target } = await answered(10_000, errors);
      for (let n = 0; n < 4; n += 1)
        await take(capacity, testRequest(target, { inputTokens: 2_000, outputTokens: 0 }));
      const asking = (inputTokens: number) =>
        capacity.reserve(testRequest(target, { inputTokens, outputTokens: 0 }));
      expect(await asking(2_000 - margin + 2)).toMatchObject({ kind: "denied" });
      expect(await asking(2_000 - margin - 2)).toMatchObject({ kind: "granted" });
    });
  });
}
