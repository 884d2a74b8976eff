import { isDeepStrictEqual } from "node:util";
import type { IdSource, ParkedJob } from "@sluice/domain";
import { closeRedis, connectRedis, type RedisClient } from "@sluice/redis";
import { assert, asyncProperty } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { propertyRuns } from "../../../../test/kit/property-runs.ts";
import { testRedisUrl } from "../../../../test/kit/servers.ts";
import { createCapacity } from "../create-capacity.ts";
import { DifferentialRun } from "../testing/differential-run.ts";
import { differentialSequence } from "../testing/differential-sequence.ts";
import { createTestClock } from "../testing/values.ts";
import { createInMemoryCapacity } from "./create-in-memory-capacity.ts";

let redis: RedisClient;
beforeAll(() => {
  redis = connectRedis({ url: testRedisUrl(), role: "commands", name: "test", onError: () => undefined });
});
afterAll(() => closeRedis(redis));

/** The same ids in the same order. */
function countingIds(): IdSource {
  let n = 0;
  return {
    uuid: () => {
      n += 1;
      return String(n).padStart(12, "0");
    },
  };
}

async function setup() {
  await redis.flushall();
  const clock = createTestClock();
  const woken = { redis: [] as (readonly ParkedJob[])[], memory: [] as (readonly ParkedJob[])[] };
  const sides = {
    redis: createCapacity({
      redis,
      clock,
      ids: countingIds(),
      timeSource: () => clock.now(),
      onRoom: (jobs) => woken.redis.push(jobs),
    }),
    memory: createInMemoryCapacity({
      clock,
      ids: countingIds(),
      onRoom: (jobs) => woken.memory.push(jobs),
      startsCold: true,
    }),
  };
  return { run: new DifferentialRun(sides, clock), woken };
}

/** What must have been answered at least once for the test to mean anything. */
const answers = [
  ...["cold", "paused", "operated", "breaker", "slow_start", "turn"],
  ...["requests_per_minute", "tokens_per_minute", "input_tokens_per_minute", "output_tokens_per_minute"],
  ...["concurrency", "learned_concurrency", "tokens_per_day", "usd_per_day"],
].map((limit) => `target.${limit}`);
const budgets = ["budget.key", "budget.batch", "exhausted budget.batch"];
const tenantAnswers = ["requests_per_minute", "tokens_per_minute", "concurrency", "usd_per_day", "turn"].map(
  (limit) => `tenant.${limit}`,
);

function nameOf(answer: unknown): string {
  const { kind, limit, isExhausted } = (answer ?? {}) as {
    kind?: string;
    limit?: string;
    isExhausted?: boolean;
  };
  if (isExhausted) return `exhausted ${limit}`;
  return limit ?? kind ?? "nothing";
}

test("memory answers any sequence of calls as Redis does, and wakes the same jobs", {
  timeout: 3_600_000,
}, async () => {
  const seen = new Set<string>();
  await assert(
    asyncProperty(differentialSequence, async ({ steps, stepsBefore, use }) => {
      const { run, woken } = await setup();
      for (const step of steps.slice(0, stepsBefore)) await run.take(step);
      await run.warm(use);
      for (const step of steps.slice(stepsBefore)) await run.take(step);
      await run.signals();
      const compared = await run.compared();
      const differs = compared.find((answers) => !isDeepStrictEqual(answers.memory, answers.redis));
      const step = differs?.step;
      expect({ step, answer: differs?.memory }).toEqual({ step, answer: differs?.redis });
      for (const { memory } of compared) seen.add(nameOf(memory));
      expect(woken.memory).toEqual(woken.redis);
      if (woken.memory.length > 0) seen.add("woken");
    }),
    { numRuns: propertyRuns(800) },
  );
  const wanted = [...answers, ...tenantAnswers, ...budgets, "granted", "parked", "room", "woken"];
  expect([...seen]).toEqual(expect.arrayContaining(wanted));
});
