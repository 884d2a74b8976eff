import type { JobToRun, Outcome } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { settled } from "../../../test/kit/fakes/fake-clock.ts";
import { setupWorker } from "../../../test/kit/fakes/worker-setup.ts";
import { processJob } from "./process-job.ts";

const answer = {
  statusCode: 200,
  contentType: "application/json",
  body: Buffer.from("{}"),
  requestId: undefined,
};
const timed = { latencyMs: 20, sentAfterMs: 3 };
const success: Outcome = { kind: "succeeded", answer, usage: undefined, ...timed };

async function setup(outcome: Outcome = success, job: Partial<JobToRun> = {}) {
  const worker = await setupWorker();
  worker.models.script.push(outcome);
  return { ...worker, job: worker.ledger.put({ deadlineAt: worker.clock.now() + 3_600_000, ...job }) };
}

describe("a ledger that fails while an attempt is settled", () => {
  test("is asked again until it answers", async () => {
    const { run, job, ledger, models } = await setup();
    ledger.faults.arm("settle", 20);
    expect(await run(job)).toEqual({ kind: "done", reference: job.id });
    expect(ledger.at(job.id).state).toBe("succeeded");
    expect(models.calls).toHaveLength(1);
  });

  test("still gets a paid result after the lease has run out, if nobody took the job meanwhile", async () => {
    const { run, job, ledger, clock, lease } = await setup();
    ledger.faults.arm("settle", 100);
    ledger.faults.arm("renewLease", 20);
    ledger.faults.arm("register", 5);
    const startedAt = clock.monotonicMs();
    expect(await run(job)).toEqual({ kind: "done", reference: job.id });
    expect(clock.monotonicMs() - startedAt).toBeGreaterThan(40_000);
    expect(lease.workerId).not.toBe(ledger.settlements[0]?.workerId);
    expect(ledger.at(job.id).state).toBe("succeeded");
  });

  test("is given up after ten minutes", async () => {
    const { run, job, ledger, clock } = await setup();
    ledger.faults.arm("settle", 10_000);
    const startedAt = clock.monotonicMs();
    await expect(run(job)).rejects.toThrow("settle fails");
    expect(clock.monotonicMs() - startedAt).toBeGreaterThanOrEqual(600_000);
  });

  test("does not get the same outcome twice when only its answer was lost", async () => {
    const { run, job, ledger, clock } = await setup();
    ledger.faults.arm("settle", 1, "after");
    expect(await run(job)).toEqual({ kind: "later", at: clock.now() });
    expect(ledger.settlements).toHaveLength(1);
    expect(await run(job)).toEqual({ kind: "done", reference: "succeeded" });
  });
});

describe("a late owner", () => {
  test.each(["waiting", "cancelled"] as const)("is fenced off when the job is %s already", async (state) => {
    const { run, job, ledger, models, metrics, deliveries } = await setup(success, {
      webhookUrl: "https://example.com/",
    });
    models.script[0] = () => {
      ledger.overtake(job.id, state);
      return success;
    };
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(ledger.settlements).toEqual([]);
    expect(ledger.at(job.id).state).toBe(state);
    expect(metrics.totals.get("sluice_outcomes_fenced_total")).toBe(1);
    expect(deliveries.ids).toEqual([]);
  });
});

describe("a call that we stopped", () => {
  const stopped: Outcome = { kind: "aborted", reason: "shutdown", latencyMs: 20 };

  test("counts as paid for twice when it had been sent, for it is made again", async () => {
    const { run, job, metrics } = await setup({ ...stopped, sentAfterMs: 3 });
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(metrics.totals.get("sluice_duplicate_spend_total")).toBe(1);
  });

  test("cost nothing when it had not been sent", async () => {
    const { run, job, metrics } = await setup(stopped);
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(metrics.totals.get("sluice_duplicate_spend_total")).toBeUndefined();
  });
});

describe("capacity", () => {
  test.each(["settle", "release", "observe", "learn", "pause"] as const)(
    "never loses a result by failing at %s",
    async (method) => {
      const outcome: Outcome = { ...success, rateLimits: { requests: { limit: 10 } } };
      const { run, job, ledger, capacity, logger } = await setup(outcome);
      capacity.faults.arm(method, 5);
      expect(await run(job)).toEqual({ kind: "done", reference: job.id });
      expect(ledger.at(job.id).state).toBe("succeeded");
      const called = method === "settle" || method === "observe" || method === "learn";
      expect(logger.entries.some(({ level }) => level === "warn")).toBe(called);
    },
  );

  test("does not delay a result by not answering", async () => {
    const { job, ledger, capacity, ports, shutdown } = await setup();
    const answerNow = capacity.faults.hang("settle");
    const verdict = processJob(ports, job.id, shutdown);
    await settled();
    expect(ledger.at(job.id).state).toBe("succeeded");
    answerNow();
    expect(await verdict).toEqual({ kind: "done", reference: job.id });
  });

  test("gets its units back when the request never left, and learns what it took when it did", async () => {
    const unsent = await setup({ kind: "unreachable", reason: "connect", latencyMs: 1 });
    await unsent.run(unsent.job);
    expect(unsent.capacity.open.size).toBe(0);
    expect(unsent.capacity.settlements).toEqual([]);
    const usage = { inputTokens: 9, outputTokens: 4, cachedInputTokens: 0, reasoningTokens: 0 };
    const sent = await setup({ ...success, usage });
    await sent.run(sent.job);
    expect(sent.capacity.settlements[0]?.use).toEqual({
      inputTokens: 9,
      outputTokens: 4,
      costUsd: 17e-6,
      sentAfterMs: 3,
    });
  });

  test("hears of every attempt but those we stopped, and of limits that were reported", async () => {
    const ok = await setup({ ...success, rateLimits: { tokens: { remaining: 3 } } });
    await ok.run(ok.job);
    expect([ok.capacity.observed, ok.capacity.learned]).toEqual([[{ targetId: "one", ok: true }], ["one"]]);
    const bad = await setup({ kind: "malformed", reason: "", ...timed });
    await bad.run(bad.job);
    expect([bad.capacity.observed, bad.capacity.learned]).toEqual([[{ targetId: "one", ok: false }], []]);
    const stopped = await setup({ kind: "aborted", reason: "shutdown", ...timed });
    await stopped.run(stopped.job);
    expect(stopped.capacity.observed).toEqual([]);
  });

  test.each([
    [{ kind: "throttled", statusCode: 429, retryAfterMs: 2_500, ...timed } as const, 2_500],
    [{ kind: "throttled", statusCode: 429, retryAfterMs: undefined, ...timed } as const, 1_000],
    [{ kind: "throttled", statusCode: 429, retryAfterMs: 9_999_999, ...timed } as const, 60_000],
    [{ kind: "misconfigured", statusCode: 401, ...timed } as const, 60_000],
    [{ kind: "overloaded", statusCode: 503, retryAfterMs: 5_000, ...timed } as const, undefined],
  ])("pauses the target after %j", async (outcome, pauseMs) => {
    const { run, job, capacity, clock, logger } = await setup(outcome);
    const untilAt = clock.now() + (pauseMs ?? 0);
    await run(job);
    expect(capacity.pauses).toEqual(
      pauseMs === undefined ? [] : [{ targetId: "one", untilAt, reason: outcome.kind }],
    );
    const alerts = logger.entries.filter(({ level }) => level === "error");
    expect(alerts).toHaveLength(outcome.kind === "misconfigured" ? 1 : 0);
  });
});

describe("the queues beside the lane", () => {
  test("are told of an end that has a webhook, under the id that the ledger kept", async () => {
    const { run, job, ledger, deliveries } = await setup(success, { webhookUrl: "https://example.com/" });
    await run(job);
    const next = ledger.settlements[0]?.next;
    expect(deliveries.ids).toEqual([next?.kind === "end" && next.ids.deliveryId]);
  });

  test("do not change the verdict by failing: the dispatcher finds what they missed", async () => {
    const { run, job, deliveries, deadLetters } = await setup(
      { kind: "malformed", reason: "", ...timed },
      { webhookUrl: "https://example.com/", maxAttempts: 1 },
    );
    deliveries.faults.arm("add");
    deadLetters.faults.arm("add");
    expect(await run(job)).toEqual({ kind: "failed", code: "attempts_exhausted" });
  });
});

test("neither prompts nor results stand in logs and metrics", async () => {
  const { run, job, logger, metrics, ledger } = await setup({
    ...success,
    answer: { ...answer, body: Buffer.from('"SECRET-RESULT"') },
  });
  ledger.faults.arm("settle", 2);
  await run(job);
  expect(JSON.stringify([logger.entries, [...metrics.totals]])).not.toMatch(/SECRET/);
});
