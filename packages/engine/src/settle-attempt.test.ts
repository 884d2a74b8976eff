import { idFromUuid, type JobToRun, noUsage, type Outcome, type OutcomeKind } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { setupWorker } from "../../../test/kit/fakes/worker-setup.ts";
import { sampleTarget, sampleUuid } from "../../../test/kit/samples.ts";
import { costOf } from "./settle-attempt.ts";

const body = Buffer.from('{"ok":1}');
const answer = { statusCode: 200, contentType: "application/json", body, requestId: "up-1" };
const refusal = { ...answer, statusCode: 400 };
const timed = { latencyMs: 20, sentAfterMs: 3 };
const usage = { inputTokens: 100, outputTokens: 50, cachedInputTokens: 40, reasoningTokens: 5 };
const success: Outcome = { kind: "succeeded", answer, usage, ...timed };

const outcomes = {
  succeeded: success,
  refused: { kind: "refused", answer: refusal, ...timed },
  misconfigured: { kind: "misconfigured", statusCode: 401, ...timed },
  throttled: { kind: "throttled", statusCode: 429, retryAfterMs: 2_000, ...timed },
  overloaded: { kind: "overloaded", statusCode: 503, retryAfterMs: undefined, ...timed },
  unreachable: { kind: "unreachable", reason: "reset", ...timed },
  "timed-out": { kind: "timed-out", phase: "body", ...timed },
  malformed: { kind: "malformed", reason: "not JSON", ...timed },
  aborted: { kind: "aborted", reason: "shutdown", ...timed },
} satisfies Record<OutcomeKind, Outcome>;

const batchLine = { batchId: idFromUuid("batch", sampleUuid), line: 2, customId: "c" };

async function settle(
  outcome: Outcome,
  job: Partial<JobToRun> = {},
  options: Parameters<typeof setupWorker>[0] = {},
) {
  const worker = await setupWorker(options);
  const put = worker.ledger.put({ deadlineAt: worker.clock.now() + 900_000, maxAttempts: 3, ...job });
  worker.models.script.push(outcome);
  const startedAt = worker.clock.now();
  const verdict = await worker.run(put);
  return {
    ...worker,
    verdict,
    startedAt,
    stands: worker.ledger.at(put.id),
    settlement: worker.ledger.settlements[0],
  };
}

describe("what follows an attempt", () => {
  const waits = (delayMs: number, attempts: number) => ({ state: "waiting", delayMs, attempts });

  // Backoff: half (the draw) of base · 2^(attempts − 1); base is 500 ms.
  test.each([
    ["succeeded", 0, { state: "succeeded", attempts: 1 }],
    ["refused", 0, { state: "failed", attempts: 1 }],
    ["misconfigured", 0, waits(250, 1)],
    ["throttled", 0, waits(2_000, 0)],
    ["overloaded", 0, waits(250, 1)],
    ["unreachable", 0, waits(250, 1)],
    ["timed-out", 1, waits(500, 2)],
    ["malformed", 1, waits(500, 2)],
    ["aborted", 1, waits(0, 1)],
    ["succeeded", 2, { state: "succeeded", attempts: 3 }],
    ["refused", 2, { state: "failed", attempts: 3 }],
    ["misconfigured", 2, { state: "dead", attempts: 3 }],
    ["throttled", 2, waits(2_000, 2)],
    ["overloaded", 2, { state: "dead", attempts: 3 }],
    ["unreachable", 2, { state: "dead", attempts: 3 }],
    ["timed-out", 2, { state: "dead", attempts: 3 }],
    ["malformed", 2, { state: "dead", attempts: 3 }],
    ["aborted", 2, waits(0, 2)],
  ] as const)(
    "that ended as %s after %d others of 3 is as the table says",
    async (kind, before, expected) => {
      const { stands, startedAt, settlement, verdict, capacity, job, deadLetters } = await settle(
        outcomes[kind],
        {
          attempts: before,
          epoch: before,
        },
      ).then((result) => ({ ...result, job: result.stands.id }));
      const { delayMs, ...standing } = { delayMs: undefined, ...expected };
      expect(stands).toMatchObject(standing);
      expect(stands.notBeforeAt).toBe(delayMs === undefined ? undefined : startedAt + delayMs);
      expect(settlement).toMatchObject({ outcome: kind, epoch: before + 1, latencyMs: 20, targetId: "one" });
      expect(capacity.open.size).toBe(0);
      if (expected.state === "waiting")
        expect(verdict).toEqual({ kind: "later", at: startedAt + (delayMs ?? 0) });
      if (expected.state === "succeeded") expect(verdict).toEqual({ kind: "done", reference: job });
      if (expected.state === "failed") expect(verdict).toEqual({ kind: "failed", code: "failed" });
      if (expected.state === "dead") expect(verdict).toEqual({ kind: "failed", code: "attempts_exhausted" });
      expect(deadLetters.entries).toHaveLength(expected.state === "dead" ? 1 : 0);
    },
  );

  test("avoids the target that failed, not the one that throttled", async () => {
    expect((await settle(outcomes.unreachable)).stands.failedTargets).toEqual(["one"]);
    expect((await settle(outcomes.throttled)).stands.failedTargets).toEqual([]);
    expect((await settle(outcomes.aborted)).stands.failedTargets).toEqual([]);
  });

  test("does not wait for what one target asked for when another can serve", async () => {
    const targets = [sampleTarget("one"), sampleTarget("two")];
    const { stands, startedAt } = await settle(outcomes.throttled, {}, { targets });
    expect(stands.notBeforeAt).toBe(startedAt + 250);
    const moved = await settle(outcomes.misconfigured, {}, { targets });
    expect(moved.stands.notBeforeAt).toBe(moved.startedAt);
  });

  test("spends attempts on a target that throttles without end", async () => {
    expect((await settle(outcomes.throttled, { epoch: 20 })).stands.attempts).toBe(1);
    expect((await settle(outcomes.throttled, { epoch: 22, attempts: 2 })).stands.state).toBe("dead");
    expect((await settle(outcomes.throttled, { epoch: 19 })).stands.attempts).toBe(0);
  });

  test.each([
    [undefined, "job_expired"],
    [batchLine, "batch_expired"],
  ])("expires a job whose next try would miss its deadline", async (line, code) => {
    const worker = await setupWorker();
    const job = worker.ledger.put({ deadlineAt: worker.clock.now() + 200, batchLine: line });
    worker.models.script.push(outcomes.unreachable);
    expect(await worker.run(job)).toEqual({ kind: "failed", code });
    expect(worker.ledger.at(job.id).state).toBe("expired");
    const patient = worker.ledger.put({ deadlineAt: worker.clock.now() + 200, onMiss: "best_effort" });
    worker.models.script.push(outcomes.unreachable);
    expect(await worker.run(patient)).toMatchObject({ kind: "later" });
  });

  test("ends an aborted call that was sent when the job must not be sent twice", async () => {
    const { verdict, stands } = await settle(outcomes.aborted, { onAmbiguous: "fail" });
    expect(verdict).toEqual({ kind: "failed", code: "ambiguous_attempt" });
    expect(stands.state).toBe("dead");
    const unsent: Outcome = { kind: "aborted", reason: "lease-lost", latencyMs: 1 };
    expect((await settle(unsent, { onAmbiguous: "fail" })).stands.state).toBe("waiting");
    expect((await settle(outcomes.throttled, { onAmbiguous: "fail" })).stands.state).toBe("waiting");
  });
});

describe("a result", () => {
  test("is kept with what the upstream said of it, its cost and the bytes of its line", async () => {
    const { settlement } = await settle(success, { batchLine });
    expect(settlement).toMatchObject({
      usage,
      statusCode: 200,
      costUsd: (60 * 1 + 40 * 0.5 + 50 * 2) / 1_000_000,
    });
    expect(settlement?.next).toMatchObject({
      kind: "end",
      result: {
        statusCode: 200,
        contentType: "application/json",
        upstreamRequestId: "up-1",
        body: { kind: "inline", bytes: body },
      },
      failure: undefined,
      lineBytes: 1_000 + body.length,
    });
  });

  test("of a refusal is the upstream's answer", async () => {
    const { settlement } = await settle(outcomes.refused);
    expect(settlement?.next).toMatchObject({
      state: "failed",
      result: { statusCode: 400 },
      failure: undefined,
      lineBytes: 0,
    });
  });

  test("of a failure is a code, and the bytes of its error line", async () => {
    const { settlement } = await settle(outcomes.malformed, { attempts: 2, batchLine });
    const message = "All attempts failed; the job is in the dead-letter queue.";
    const failure = { code: "attempts_exhausted", message };
    expect(settlement?.next).toMatchObject({
      state: "dead",
      result: undefined,
      failure,
      lineBytes: message.length,
    });
  });

  test.each([
    [65_536, "inline"],
    [65_537, "stored"],
  ])("of %d bytes is kept %s", async (size, kind) => {
    const large = Buffer.alloc(size, "x");
    const { settlement, files } = await settle({ ...success, answer: { ...answer, body: large } });
    const kept = settlement?.next.kind === "end" ? settlement.next.result?.body : undefined;
    expect(kept?.kind).toBe(kind);
    if (kept?.kind === "stored") expect([kept.size, files.contents.get(kept.key)]).toEqual([size, large]);
  });

  test("goes into the ledger when the file store does not take it", async () => {
    const worker = await setupWorker();
    const large = Buffer.alloc(70_000, "x");
    worker.models.script.push({ ...success, answer: { ...answer, body: large } });
    worker.files.faults.arm("put");
    expect(await worker.run(worker.ledger.put())).toMatchObject({ kind: "done" });
    expect(worker.ledger.settlements[0]?.next).toMatchObject({
      result: { body: { kind: "inline", bytes: large } },
    });
  });

  test("with an absurd usage can still be committed", async () => {
    const absurd = { ...noUsage, inputTokens: 2 ** 40, outputTokens: Number.MAX_SAFE_INTEGER };
    const { settlement } = await settle({ ...success, usage: absurd });
    expect(settlement?.usage).toMatchObject({ inputTokens: 2_147_483_647, outputTokens: 2_147_483_647 });
  });

  test("without usage costs nothing that is known", async () => {
    const { settlement, capacity } = await settle({ ...success, usage: undefined });
    expect(settlement).toMatchObject({ usage: undefined, costUsd: 0 });
    expect(capacity.settlements[0]?.use).toEqual({
      inputTokens: 7,
      outputTokens: undefined,
      costUsd: 0,
      sentAfterMs: 3,
    });
  });
});

test("cached tokens cost their own price, and never less than nothing", () => {
  const target = sampleTarget("one");
  expect(costOf(target, usage) * 1_000_000).toBeCloseTo(60 + 20 + 100);
  expect(costOf(target, { ...noUsage, inputTokens: 1, cachedInputTokens: 2 }) * 1_000_000).toBeCloseTo(1);
});
