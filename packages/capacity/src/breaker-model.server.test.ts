import type { CallSample, Reservation } from "@sluice/domain";
import {
  array,
  assert,
  asyncProperty,
  boolean,
  constantFrom,
  integer,
  oneof,
  record,
  tuple,
} from "fast-check";
import { expect, test } from "vitest";
import { ModelBreaker } from "./testing/model-breaker.ts";
import { setup, use } from "./testing/setup.ts";
import { testRequest, testTarget, testTurn } from "./testing/values.ts";

const health = constantFrom<CallSample["health"]>("good", "failing", "failing", "unreachable", undefined);
const step = oneof(
  { weight: 3, arbitrary: record({ kind: constantFrom("reserve" as const), calm: boolean() }) },
  {
    weight: 4,
    arbitrary: record({
      kind: constantFrom("observe" as const),
      health,
      times: integer({ min: 1, max: 6 }),
      retryAfterMs: constantFrom(0, 0, 0, 7_000, 90_000),
      which: integer({ min: 0, max: 20 }),
    }),
  },
  {
    weight: 1,
    arbitrary: record({ kind: constantFrom("release" as const), which: integer({ min: 0, max: 20 }) }),
  },
  {
    weight: 2,
    arbitrary: record({
      kind: constantFrom("pass" as const),
      ms: constantFrom(1, 300, 1_000, 4_999, 5_000, 12_000, 31_000),
    }),
  },
);

test("the breaker answers any sequence of calls as its rules written anew do", {
  timeout: 120_000,
}, async () => {
  const { capacity, clock } = await setup();
  let run = 0;
  const seen = new Set<string>();
  await assert(
    asyncProperty(tuple(array(step, { minLength: 20, maxLength: 120 })), async ([steps]) => {
      run += 1;
      const target = testTarget(`t${run}`);
      const model = new ModelBreaker();
      const open: Reservation[] = [];
      for (const next of steps) {
        const now = clock.now();
        switch (next.kind) {
          case "pass":
            clock.advance(next.ms);
            break;
          case "reserve": {
            // Beyond these it has a say how many calls at once go well.
            if (open.length >= 8) break;
            const expected = model.ask(now, next.calm, open.length);
            const answer = await capacity.reserve(
              testRequest(target, {
                owner: `w${run}`,
                leaseMs: 10_000_000,
                turn: testTurn(now + (next.calm ? 60_000 : 59_999)),
              }),
            );
            if ("waitMs" in expected) {
              expect(answer.kind).toBe("denied");
              if (expected.waitMs >= 0)
                expect(answer).toMatchObject({ limit: "target.breaker", waitMs: expected.waitMs });
              else expect(answer).toMatchObject({ limit: "target.slow_start" });
              seen.add(answer.kind === "denied" ? answer.limit : "");
            } else if (answer.kind === "granted") {
              expect(answer.reservation.probe).toBe(expected.probe);
              seen.add(expected.probe === undefined ? "call" : "probe");
              open.push(answer.reservation);
            } else expect(answer).toBe("granted");
            break;
          }
          case "observe": {
            for (let n = 0; n < next.times; n += 1) {
              const [reservation] = n === 0 ? open.splice(next.which % Math.max(1, open.length), 1) : [];
              const sample: CallSample = {
                latencyMs: 50,
                retryAfterMs: next.retryAfterMs,
                ...(next.health === undefined ? {} : { health: next.health }),
                ...(reservation === undefined ? {} : { reservation }),
              };
              if (reservation !== undefined) await capacity.settle(reservation, use(10, 10));
              model.observe(now, sample, open.length);
              await capacity.observe(target.id, sample);
            }
            break;
          }
          case "release": {
            const [reservation] = open.splice(next.which % Math.max(1, open.length), 1);
            if (reservation === undefined) break;
            model.release(reservation.probe);
            await capacity.release(reservation);
          }
        }
        const signals = (await capacity.signals([target]))[target.id];
        expect(signals?.breaker).toBe(model.phase(clock.now()));
        seen.add(`is ${signals?.breaker}`);
      }
    }),
    { numRuns: 200 },
  );
  expect([...seen].sort()).toEqual(
    ["call", "probe", "target.breaker", "target.slow_start", "is closed", "is half-open", "is open"].sort(),
  );
});
