import { idFromUuid, type JobToRun, type Outcome, terminalJobStates } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { setupWorker } from "../../../test/kit/fakes/worker-setup.ts";
import { sampleUuid } from "../../../test/kit/samples.ts";
import { processJob } from "./process-job.ts";

const answer = {
  statusCode: 200,
  contentType: "application/json",
  body: Buffer.from('{"ok":1}'),
  requestId: "up-1",
};
const success: Outcome = { kind: "succeeded", answer, usage: undefined, latencyMs: 20, sentAfterMs: 1 };

const batchLine = { batchId: idFromUuid("batch", sampleUuid), line: 2, customId: "c" };

async function setup(job: Partial<JobToRun> = {}, options: Parameters<typeof setupWorker>[0] = {}) {
  const worker = await setupWorker(options);
  const deadlineAt = worker.clock.now() + 900_000;
  return { ...worker, job: worker.ledger.put({ deadlineAt, ...job }) };
}

describe("a pointer that is claimed", () => {
  test("runs its job to success", async () => {
    const { run, job, models, ledger, capacity } = await setup();
    models.script.push(success);
    expect(await run(job)).toEqual({ kind: "done", reference: job.id });
    expect(ledger.at(job.id)).toMatchObject({ state: "succeeded", epoch: 1, attempts: 1 });
    expect(ledger.starts[0]).toMatchObject({ targetId: "one", route: { chosen: "one" } });
    expect(capacity.open.size).toBe(0);
  });

  test("sends the job's own bytes, with its epoch and a bounded time", async () => {
    const { run, job, models, clock } = await setup({ epoch: 4, traceparent: "00-trace" });
    const startedAt = clock.now();
    models.script.push(success);
    await run(job);
    const [call] = models.calls;
    expect(call?.body.toString()).toBe('{"model":"auto","input":"SECRET"}');
    expect(call).toMatchObject({
      endpoint: "/v1/responses",
      jobId: job.id,
      epoch: 5,
      traceparent: "00-trace",
    });
    expect(call?.timeoutMs).toBe(600_000);
    expect(job.deadlineAt - startedAt).toBeGreaterThan(600_000);
  });

  test("gives a call until shortly after the deadline, and ten minutes where none is kept", async () => {
    const timeouts: number[] = [];
    for (const onMiss of ["expire", "best_effort"] as const) {
      const { run, ledger, models, clock } = await setup();
      const job = ledger.put({ onMiss, deadlineAt: clock.now() + 30_000 });
      models.script.push((call) => {
        timeouts.push(call.timeoutMs);
        return success;
      });
      await run(job);
    }
    expect(timeouts).toEqual([40_000, 600_000]);
  });

  test("is dropped when the ledger has no such job", async () => {
    const { ports, shutdown } = await setup();
    const unknown = idFromUuid("job", "0198f3a0-0000-7000-8000-00000000ffff");
    expect(await processJob(ports, unknown, shutdown)).toEqual({ kind: "done", reference: "gone" });
  });

  test("ends its batch when the batch's money pays for it nowhere, and leaves the line to the dispatcher", async () => {
    const { run, job, capacity, purse, ledger, models, clock } = await setup({ batchLine, maxSpendUsd: 1 });
    capacity.full.set("one", { limit: "budget.batch", waitMs: 90_000_000, isExhausted: true });
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(purse.stopped).toEqual([batchLine.batchId]);
    // Nobody waits behind it.
    expect(capacity.left).toEqual([job.id]);
    expect([ledger.at(job.id).state, ledger.ends, models.calls]).toEqual(["queued", [], []]);
    expect(clock.now()).toBeLessThan(job.deadlineAt);
  });

  test("is not called when Redis has lost what its budgets held for it, and comes back", async () => {
    const { run, job, models, ledger, capacity } = await setup({ batchLine, maxSpendUsd: 1 });
    const { startAttempts } = ledger;
    Object.assign(ledger, {
      startAttempts: (...starts: Parameters<typeof startAttempts>) => {
        capacity.open.clear();
        return startAttempts(...starts);
      },
    });
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(models.calls).toEqual([]);
    expect(ledger.settlements).toMatchObject([{ outcome: "aborted", costUsd: 0 }]);
    expect(ledger.at(job.id)).toMatchObject({ state: "waiting", attempts: 0 });
    capacity.faults.arm("holds");
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(models.calls).toEqual([]);
  });

  test("tells the ledger what is held of its budgets", async () => {
    const { run, job, models, ledger } = await setup({
      batchLine,
      maxSpendUsd: 1,
      keyId: "k",
      keyUsdPerDay: 2,
    });
    models.script.push(success);
    await run(job);
    expect(ledger.starts[0]?.held).toEqual({ usd: expect.closeTo(0.0082, 3), keyId: "k" });
  });

  test("stops waiting for room when it is not run", async () => {
    const { run, job, capacity } = await setup({ state: "cancelled" });
    await run(job);
    expect(capacity.left).toEqual([job.id]);
  });

  test.each(terminalJobStates)("is dropped when its job is %s", async (state) => {
    const { run, job, ledger } = await setup({ state });
    expect(await run(job)).toEqual({ kind: "done", reference: state });
    expect(ledger.starts).toEqual([]);
  });

  test("stays away from a job that runs", async () => {
    const { run, job, clock, ledger } = await setup({ state: "running" });
    const now = clock.now();
    expect(await run(job)).toEqual({ kind: "later", at: now + 5_000 });
    expect(ledger.starts).toEqual([]);
  });

  test("comes back when the job may run again", async () => {
    const { run, ledger, clock, models } = await setup();
    const notBeforeAt = clock.now() + 7_000;
    const job = ledger.put({ state: "waiting", notBeforeAt });
    expect(await run(job)).toEqual({ kind: "later", at: notBeforeAt });
    await clock.advance(7_000);
    models.script.push(success);
    expect(await run(job)).toMatchObject({ kind: "done" });
  });

  test("runs when room came free before the moment at which it would have looked by itself", async () => {
    const { run, ledger, clock, models } = await setup();
    const job = ledger.put({ state: "waiting", notBeforeAt: clock.now() + 60_000, waitingFor: "tokens" });
    models.script.push(success);
    expect(await run(job)).toMatchObject({ kind: "done" });
    expect(ledger.at(job.id)).toMatchObject({ state: "succeeded", waitingFor: undefined });
  });

  test("starts nothing while the worker has no lease", async () => {
    const { run, job, ledger, clock, lease } = await setup();
    ledger.faults.arm("renewLease", 100);
    await clock.advance(18_000);
    expect(lease.holds()).toBe(false);
    const now = clock.now();
    expect(await run(job)).toEqual({ kind: "later", at: now + 1_000 });
    expect(ledger.starts).toEqual([]);
  });
});

describe("a job past its deadline", () => {
  test.each([
    [undefined, "job_expired", 0],
    [batchLine, "batch_expired", 72],
  ])("expires without an attempt", async (line, code, lineBytes) => {
    const { run, ledger, clock, deliveries } = await setup();
    const job = ledger.put({ deadlineAt: clock.now(), batchLine: line, webhookUrl: "https://example.com/" });
    expect(await run(job)).toEqual({ kind: "failed", code });
    expect(ledger.at(job.id).state).toBe("expired");
    expect(ledger.ends[0]).toMatchObject({ state: "expired", failure: { code }, lineBytes, fromEpoch: 0 });
    expect(deliveries.ids).toEqual([ledger.ends[0]?.ids.deliveryId]);
    expect(ledger.starts).toEqual([]);
  });

  test("runs all the same when its class says best_effort", async () => {
    const { run, ledger, clock, models } = await setup();
    const job = ledger.put({ deadlineAt: clock.now() - 1, onMiss: "best_effort" });
    models.script.push(success);
    expect(await run(job)).toMatchObject({ kind: "done" });
    expect(ledger.at(job.id).state).toBe("succeeded");
  });

  test("is looked at again when it has changed meanwhile", async () => {
    const { run, ledger, clock, ports } = await setup();
    const job = ledger.put({ deadlineAt: clock.now() });
    const load = ports.ledger.load;
    Object.assign(ports.ledger, {
      load: async (ids: readonly JobToRun["id"][]) => {
        const loaded = await load(ids);
        ledger.overtake(job.id, "cancelled");
        return loaded;
      },
    });
    const now = clock.now();
    expect(await run(job)).toEqual({ kind: "later", at: now });
    Object.assign(ports.ledger, { load });
    expect(await run(job)).toEqual({ kind: "done", reference: "cancelled" });
  });
});

describe("placing", () => {
  test("holds the pointer back while nothing has room, without an attempt", async () => {
    const { run, job, capacity, clock, ledger, metrics } = await setup();
    capacity.full.set("one", { limit: "tokens", waitMs: 1_000 });
    const now = clock.now();
    expect(await run(job)).toEqual({ kind: "later", at: now + 1_000 });
    expect(ledger.at(job.id)).toMatchObject({ state: "queued", epoch: 0 });
    expect(metrics.totals.get("sluice_jobs_held_total{limit=tokens}")).toBe(1);
  });

  test("shows a job that is held for longer as waiting, and no longer once it runs", async () => {
    const { run, job, capacity, clock, ledger, models } = await setup();
    capacity.full.set("one", { limit: "tokens", waitMs: 30_000 });
    const at = clock.now() + 30_000;
    await run(job);
    await clock.advance(500);
    expect(ledger.at(job.id)).toMatchObject({ state: "waiting", notBeforeAt: at, waitingFor: "tokens" });
    capacity.full.clear();
    models.script.push(success);
    expect(await run(job)).toMatchObject({ kind: "done" });
    await clock.advance(500);
    expect(ledger.waits).toHaveLength(1);
  });

  test("shows nothing of a job that was started before it could be shown", async () => {
    const { run, job, capacity, clock, ledger, models } = await setup();
    capacity.full.set("one", { limit: "tokens", waitMs: 30_000 });
    await run(job);
    capacity.full.clear();
    models.script.push(success);
    await run(job);
    await clock.advance(500);
    expect(ledger.waits).toEqual([]);
  });

  test("ends a job that nothing can serve as dead", async () => {
    const { run, job, ledger, deadLetters } = await setup({ inputTokens: 1_000_000, batchLine });
    expect(await run(job)).toEqual({ kind: "failed", code: "no_target" });
    expect(ledger.at(job.id).state).toBe("dead");
    expect(ledger.ends[0]?.lineBytes).toBeGreaterThan(0);
    expect(deadLetters.entries).toEqual([{ jobId: job.id, model: "auto", code: "no_target" }]);
  });

  test.each(["load", "reserve"] as const)("throws when %s fails, holding nothing", async (method) => {
    const { run, job, ledger, capacity } = await setup();
    if (method === "load") ledger.faults.arm(method);
    else capacity.faults.arm(method);
    await expect(run(job)).rejects.toThrow(`${method} fails`);
    expect(capacity.open.size).toBe(0);
    expect(ledger.at(job.id).state).toBe("queued");
  });
});
