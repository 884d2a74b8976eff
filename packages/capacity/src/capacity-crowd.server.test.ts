import type { ParkedJob, Refusal, Target, TargetLimits } from "@sluice/domain";
import { array, assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { expect, test } from "vitest";
import { sampleTarget } from "../../../test/kit/samples.ts";
import { requestOf } from "../../../test/kit/waiting-conformance.ts";
import { createCapacity } from "./index.ts";
import { connectTestRedis } from "./testing/setup.ts";
import { createTestClock, testIds } from "./testing/values.ts";

interface Job {
  readonly urgency: number;
  readonly output: number;
  readonly latencyMs: number;
  /** Real output over the expected one. */
  readonly share: number;
}

/** Runs jobs that all arrive at once, in the order given, on one target; wakes and timers bring them back. */
async function runCrowd(jobs: readonly Job[], limits: TargetLimits) {
  const redis = connectTestRedis();
  await redis.flushall();
  const clock = createTestClock();
  const startedAt = clock.now();
  const agenda: { at: number; run: () => Promise<void> }[] = [];
  const timers = new Map<number, number>();
  const woken: ParkedJob[] = [];
  const onRoom = (parked: readonly ParkedJob[]) => void woken.push(...parked);
  const capacity = createCapacity({ redis, clock, ids: testIds, onRoom, timeSource: () => clock.now() });
  const target: Target = sampleTarget("crowded", { limits });
  const counts = { reserves: 0, parks: 0 };
  const order: number[] = [];

  async function ask(n: number): Promise<void> {
    timers.delete(n);
    const job = jobs[n];
    if (job === undefined) throw new Error(`no job ${n}`);
    const urgent = requestOf(n, target, { outputTokens: job.output });
    if (urgent.turn === undefined) throw new Error("no turn");
    const turn = { ...urgent.turn, effectiveDeadlineAt: job.urgency };
    const request = { ...urgent, turn };
    counts.reserves += 1;
    const answer = await capacity.reserve(request);
    if (answer.kind === "granted") {
      order.push(n);
      const { latencyMs, output, share } = job;
      const real = { inputTokens: 10, outputTokens: Math.ceil(output * share), costUsd: 0, sentAfterMs: 0 };
      agenda.push({
        at: clock.now() + latencyMs,
        run: async () => {
          await capacity.observe(target.id, { latencyMs, ok: true });
          await capacity.settle(answer.reservation, real);
        },
      });
      return;
    }
    counts.parks += 1;
    const refusal: Refusal = { request, limit: answer.limit, waitMs: answer.waitMs };
    const parked = await capacity.park(turn, [refusal]);
    timers.set(n, clock.now() + (parked.kind === "parked" ? parked.waitMs : 10));
  }

  async function comeBack(): Promise<void> {
    while (woken.length > 0) {
      const n = Number(woken.shift()?.jobId.slice(-12));
      if (timers.has(n)) await ask(n);
    }
  }

  for (const n of jobs.keys()) await ask(n);
  while (timers.size > 0 || agenda.length > 0) {
    await comeBack();
    const [due] = [...timers].toSorted(([, a], [, b]) => a - b);
    agenda.sort((a, b) => a.at - b.at);
    const next = agenda[0];
    if (next !== undefined && (due === undefined || next.at <= due[1])) {
      agenda.shift();
      clock.advance(Math.max(0, next.at - clock.now()));
      await next.run();
    } else if (due !== undefined) {
      clock.advance(Math.max(0, due[1] - clock.now()));
      await ask(due[0]);
    }
  }
  return { order, counts, elapsedMs: clock.now() - startedAt };
}

const crowd = array(
  record({
    urgency: integer({ min: 0, max: 50 }),
    output: constantFrom(10, 50, 200),
    latencyMs: constantFrom(50, 1_000, 8_000),
    share: constantFrom(0.2, 1, 1),
  }),
  { minLength: 5, maxLength: 60 },
);

test("every job of any crowd has its turn, and nobody waits in vain", async () => {
  await assert(
    asyncProperty(
      crowd,
      constantFrom<TargetLimits>(
        { concurrency: 2 },
        { requestsPerMinute: 10 },
        { tokensPerMinute: 600, concurrency: 4 },
      ),
      async (jobs, limits) => {
        const { order, counts } = await runCrowd(jobs, limits);
        expect(order.toSorted((a, b) => a - b)).toEqual([...jobs.keys()]);
        // A turn, the refusal that parked it, and few wrong guesses.
        expect(counts.reserves).toBeLessThanOrEqual(6 * jobs.length);
      },
    ),
    { numRuns: 40 },
  );
});

test("500 jobs behind a limit of requests ask about twice each, in order, and use all of it", async () => {
  const jobs = Array.from({ length: 500 }, (_, n) => ({
    urgency: (n * 7919) % 500,
    output: 10,
    latencyMs: 700,
    share: 1,
  }));
  const { order, counts, elapsedMs } = await runCrowd(jobs, { requestsPerMinute: 100 });
  const urgencies = order.slice(100).map((n) => jobs[n]?.urgency ?? 0);
  const rounds = (of: number[]) => [0, 100, 200, 300].map((at) => new Set(of.slice(at, at + 100)));
  // Those who have room at the same moment may come in any order.
  expect(rounds(urgencies)).toEqual(rounds(urgencies.toSorted((a, b) => a - b)));
  expect(counts.reserves).toBeLessThanOrEqual(4 * jobs.length);
  // 100 at once, then 100 each minute as the window slides, the last ones after four minutes.
  expect(elapsedMs).toBeLessThan(4 * 60_750 * 1.03);
});

test("500 jobs behind 8 places come one by one as places come free, without asking in between", async () => {
  const jobs = Array.from({ length: 500 }, (_, n) => ({
    urgency: (n * 7919) % 500,
    output: 10,
    latencyMs: 1_000 + (n % 7) * 50,
    share: 1,
  }));
  const { order, counts, elapsedMs } = await runCrowd(jobs, { concurrency: 8 });
  const parkedOrder = order.slice(8).map((n) => jobs[n]?.urgency ?? 0);
  expect(parkedOrder).toEqual(parkedOrder.toSorted((a, b) => a - b));
  expect(counts.reserves).toBeLessThanOrEqual(3 * jobs.length);
  expect(elapsedMs).toBeLessThan((500 / 8) * 1_300 * 1.03);
});
