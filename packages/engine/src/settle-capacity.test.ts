import type { CallSample, Outcome, Reservation } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { settleCapacity } from "./settle-capacity.ts";

const answer = {
  statusCode: 200,
  contentType: "application/json",
  body: Buffer.from("{}"),
  requestId: undefined,
};
const sent = { latencyMs: 20, sentAfterMs: 3 };

async function samplesOf(outcome: Outcome, probe?: number): Promise<CallSample[]> {
  const samples: CallSample[] = [];
  const reservation = { id: "r", targetId: "one", ...(probe === undefined ? {} : { probe }) } as Reservation;
  const done = async (): Promise<void> => undefined;
  const capacity = {
    settle: done,
    release: done,
    learn: done,
    pause: done,
    observe: async (_: string, sample: CallSample) => void samples.push(sample),
  };
  const ended = { outcome, placed: { target: { id: "one" }, reservation }, job: { id: "job_1" } };
  await settleCapacity(
    { capacity, clock: { now: () => 0 }, logger: {} } as unknown as Parameters<typeof settleCapacity>[0],
    ended as unknown as Parameters<typeof settleCapacity>[1],
    { usage: undefined, costUsd: 0 },
  );
  return samples;
}

describe("what a target is known to be after a call", () => {
  test.each<[string, Outcome, Partial<CallSample>]>([
    [
      "good after an answer",
      { kind: "succeeded", answer, usage: undefined, ...sent },
      { ok: true, health: "good" },
    ],
    [
      "good after a refusal of the request",
      { kind: "refused", answer, ...sent },
      { ok: true, health: "good" },
    ],
    [
      "failing after a 503, and what it asks for is passed on",
      { kind: "overloaded", statusCode: 503, retryAfterMs: 7_000, ...sent },
      { ok: false, health: "failing", retryAfterMs: 7_000, isOverloaded: true },
    ],
    [
      "unreachable without a connection",
      { kind: "unreachable", reason: "ECONNREFUSED", latencyMs: 1 },
      { ok: false, health: "unreachable" },
    ],
    [
      "failing after a reset",
      { kind: "unreachable", reason: "ECONNRESET", ...sent },
      { ok: false, health: "failing" },
    ],
    [
      "unreachable when connecting takes too long",
      { kind: "timed-out", phase: "connect", latencyMs: 9 },
      { ok: false, health: "unreachable" },
    ],
    [
      "failing when its answer takes too long",
      { kind: "timed-out", phase: "body", ...sent },
      { ok: false, health: "failing", isOverloaded: true },
    ],
    [
      "failing after an answer that makes no sense",
      { kind: "malformed", reason: "no JSON", ...sent },
      { ok: false, health: "failing" },
    ],
  ])("%s", async (_, outcome, expected) => {
    expect(await samplesOf(outcome)).toMatchObject([expected]);
  });

  test.each<[string, Outcome]>([
    ["a 429", { kind: "throttled", statusCode: 429, retryAfterMs: undefined, ...sent }],
    ["a wrong key", { kind: "misconfigured", statusCode: 401, ...sent }],
    ["a 409", { kind: "overloaded", statusCode: 409, retryAfterMs: undefined, ...sent }],
  ])("as unknown as before after %s", async (_, outcome) => {
    const [sample] = await samplesOf(outcome);
    expect(sample?.ok).toBe(false);
    expect(sample).not.toHaveProperty("health");
  });

  test("having too much to do after a 429, and not after an error of its own", async () => {
    const [throttled] = await samplesOf({
      kind: "throttled",
      statusCode: 429,
      retryAfterMs: undefined,
      ...sent,
    });
    expect(throttled?.isOverloaded).toBe(true);
    const [broken] = await samplesOf({
      kind: "overloaded",
      statusCode: 500,
      retryAfterMs: undefined,
      ...sent,
    });
    expect(broken?.isOverloaded).toBe(false);
  });

  test("nothing new after a call that we stopped, but that its probe is over", async () => {
    const outcome: Outcome = { kind: "aborted", reason: "shutdown", ...sent };
    expect(await samplesOf(outcome)).toEqual([]);
    const [sample] = await samplesOf(outcome, 5_000);
    expect(sample).toMatchObject({ reservation: { probe: 5_000 } });
    expect(sample).not.toHaveProperty("ok");
    expect(sample).not.toHaveProperty("health");
  });
});
