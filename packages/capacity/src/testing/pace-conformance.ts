import type { ReserveRequest, Target } from "@sluice/domain";
import { idFromUuid, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import type { CapacityUnderTest } from "./capacity-under-test.ts";
import { testRequest, testTarget } from "./values.ts";

const hourMs = 3_600_000;
const cost = { inputTokens: 10, outputTokens: 10, costUsd: 0, sentAfterMs: 0 };

/** For tests: how every capacity lets calm jobs use limits evenly; `setup` makes an empty one. */
export function paceConformance(setup: () => Promise<CapacityUnderTest>): void {
  describe("pace", () => {
    /** A job of 10 + 10 tokens that has an hour, or as long as is said. */
    function asking({ capacity, clock }: CapacityUnderTest) {
      let made = 0;
      return async (target: Target, withinMs = hourMs, changes: Partial<ReserveRequest> = {}) => {
        made += 1;
        const jobId = idFromUuid("job", `00000000-0000-7000-8000-${String(made).padStart(12, "0")}`);
        const effectiveDeadlineAt = clock.now() + withinMs;
        const turn = { jobId, model: "auto", effectiveDeadlineAt, tenantId: tenantId("t1"), weight: 1 };
        const answer = await capacity.reserve(testRequest(target, { leaseMs: hourMs, turn, ...changes }));
        if (answer.kind === "granted") await capacity.settle(answer.reservation, cost);
        return answer;
      };
    }

    test("lets calm jobs through a little ahead of time, but never the whole minute at once", async () => {
      const made = await setup();
      const ask = asking(made);
      const target = testTarget("a", { requestsPerMinute: 600 });
      let granted = 0;
      for (let ms = 0; ms < 30_000; ms += 100) {
        while ((await ask(target)).kind === "granted") granted += 1;
        made.clock.advance(100);
      }
      // 30 s, and 5 s ahead.
      expect(granted).toBeGreaterThanOrEqual(348);
      expect(granted).toBeLessThanOrEqual(351);
    });

    test("says when a calm job may go", async () => {
      const made = await setup();
      const ask = asking(made);
      const target = testTarget("a", { requestsPerMinute: 60 });
      // At most at the peak rate, which is four times the limit.
      for (let n = 0; n < 5; n += 1) expect((await ask(target)).kind).toBe("granted");
      const denied = await ask(target);
      expect(denied).toEqual({ kind: "denied", limit: "target.pace", waitMs: 250 });
      made.clock.advance(250);
      expect((await ask(target)).kind).toBe("granted");
    });

    test("uses the whole limit all the same, in each minute but the first, and without a break", async () => {
      const made = await setup();
      const ask = asking(made);
      const target = testTarget("a", { requestsPerMinute: 300 });
      const moments: number[] = [];
      for (let ms = 0; ms < 240_000; ms += 100) {
        while ((await ask(target)).kind === "granted") moments.push(ms);
        made.clock.advance(100);
      }
      for (let end = 60_000; end <= 240_000; end += 1_000) {
        const used = moments.filter((ms) => ms >= end - 60_000 && ms < end).length;
        expect(used).toBeGreaterThanOrEqual(0.96 * 300);
      }
      const gaps = moments.filter((ms) => ms >= 1_000).map((ms, n, all) => ms - (all[n - 1] ?? ms));
      expect(Math.max(...gaps)).toBeLessThanOrEqual(1_000);
    });

    test("holds no urgent job, and lets calm ones make up for it", async () => {
      const made = await setup();
      const ask = asking(made);
      const target = testTarget("a", { requestsPerMinute: 60 });
      while ((await ask(target)).kind === "granted");
      for (let n = 0; n < 20; n += 1) expect((await ask(target, 30_000)).kind).toBe("granted");
      const denied = await ask(target);
      expect(denied).toMatchObject({ kind: "denied", limit: "target.pace" });
      expect(denied.kind === "denied" && denied.waitMs).toBeGreaterThan(5_000);
    });

    test("counts tokens as they turn out", async () => {
      const made = await setup();
      const ask = asking(made);
      const target = testTarget("a", { tokensPerMinute: 1_200 });
      // Ten times what they take in truth: without correction the first would hold back all others for long.
      let granted = 0;
      for (let ms = 0; ms < 10_000; ms += 250) {
        if ((await ask(target, hourMs, { outputTokens: 190 })).kind === "granted") granted += 1;
        made.clock.advance(250);
      }
      expect(granted).toBeGreaterThanOrEqual(4);
      const single = await setup();
      let uncorrected = 0;
      for (let ms = 0; ms < 10_000; ms += 250) {
        const turn = {
          jobId: idFromUuid("job", `00000000-0000-7000-8000-${String(ms).padStart(12, "0")}`),
          ...{
            model: "auto",
            effectiveDeadlineAt: single.clock.now() + hourMs,
            tenantId: tenantId("t1"),
            weight: 1,
          },
        };
        const request = testRequest(target, { outputTokens: 190, leaseMs: hourMs, turn });
        if ((await single.capacity.reserve(request)).kind === "granted") uncorrected += 1;
        single.clock.advance(250);
      }
      expect(uncorrected).toBeLessThan(granted);
    });

    test("holds no caller without a turn", async () => {
      const { capacity } = await setup();
      const target = testTarget("a", { requestsPerMinute: 60 });
      for (let n = 0; n < 60; n += 1)
        expect((await capacity.reserve(testRequest(target))).kind).toBe("granted");
    });
  });
}
