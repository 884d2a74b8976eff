import { describe, expect, test } from "vitest";
import { type WindowTarget, windowSize } from "./window-size.ts";

function target(
  limits: WindowTarget["limits"],
  signals?: Partial<NonNullable<WindowTarget["signals"]>>,
): WindowTarget {
  if (signals === undefined) return { limits, signals: undefined };
  return { limits, signals: { inFlight: 0, latencyMs: undefined, ...signals } };
}

const places = (targets: readonly WindowTarget[], tokensPerJob = 500) =>
  windowSize(targets, tokensPerJob).places;

describe("windowSize", () => {
  test("is two and a half jobs for each place of its targets, and half as many go express", () => {
    const slow = { latencyMs: 5_000 };
    expect(windowSize([target({ concurrency: 32 }, slow)], 500)).toEqual({ places: 80, expressPlaces: 40 });
    expect(places([target({ concurrency: 32 }, slow), target({ concurrency: 8 }, slow)])).toBe(100);
  });

  test("takes the places of a target with limits of a minute from the length of its calls", () => {
    // 10 calls a second of 4 s each are 40 at once.
    expect(places([target({ requestsPerMinute: 600 }, { latencyMs: 4_000 })])).toBe(100);
    expect(places([target({ tokensPerMinute: 300_000 }, { latencyMs: 4_000 })])).toBe(100);
    expect(places([target({ requestsPerMinute: 600, concurrency: 20 }, { latencyMs: 4_000 })])).toBe(50);
  });

  test("knows the tighter of a limit of tokens and limits of prompts and answers", () => {
    const limits = { inputTokensPerMinute: 100_000, outputTokensPerMinute: 200_000 };
    expect(places([target(limits, { latencyMs: 4_000 })])).toBe(100);
    expect(places([target({ ...limits, tokensPerMinute: 150_000 }, { latencyMs: 4_000 })])).toBe(50);
  });

  test("holds what is started while no leader feeds where calls are short", () => {
    expect(places([target({ concurrency: 10 }, { latencyMs: 100 })])).toBe(800);
    expect(places([target({ requestsPerMinute: 6_000 }, { latencyMs: 100 })])).toBe(800);
  });

  test("expects usual calls of a target that has answered none, and usual places where none are stated", () => {
    expect(places([target({ concurrency: 100 })])).toBe(800);
    expect(places([target({})])).toBe(512);
    expect(places([target({}, { inFlight: 100, latencyMs: 4_000 })])).toBe(500);
  });

  test("goes by what a target without stated concurrency was found to take", () => {
    expect(places([target({}, { latencyMs: 4_000, learnedConcurrency: 40 })])).toBe(100);
    expect(places([target({ concurrency: 20 }, { latencyMs: 4_000, learnedConcurrency: 40 })])).toBe(50);
  });

  test("does not count targets that take nothing now", () => {
    const open = target({ concurrency: 32 }, { latencyMs: 5_000 });
    const paused = target({ concurrency: 32 }, { latencyMs: 5_000, operated: "paused" });
    const failing = target({ concurrency: 32 }, { latencyMs: 5_000, breaker: "open" });
    const probed = target({ concurrency: 32 }, { latencyMs: 5_000, breaker: "half-open" });
    expect(places([open, paused, failing])).toBe(80);
    expect(places([open, probed])).toBe(160);
  });

  test("is never below 16, or 32 where limits of a minute count, so that jobs that nothing serves come to be decided, and never above 1024", () => {
    expect(places([])).toBe(16);
    expect(places([target({ requestsPerMinute: 1 })])).toBe(32);
    expect(places([target({ concurrency: 5_000 })])).toBe(1024);
  });
});
