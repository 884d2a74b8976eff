import type { JobState, JobToRun, ModelCall, Outcome } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { settled } from "../../../test/kit/fakes/fake-clock.ts";
import { setupWorker } from "../../../test/kit/fakes/worker-setup.ts";
import { sampleTarget } from "../../../test/kit/samples.ts";
import { processJob } from "./process-job.ts";

const answer = {
  statusCode: 200,
  contentType: "application/json",
  body: Buffer.from('{"ok":1}'),
  requestId: "up-1",
};
const success: Outcome = { kind: "succeeded", answer, usage: undefined, latencyMs: 20, sentAfterMs: 1 };

async function setup(job: Partial<JobToRun> = {}, options: Parameters<typeof setupWorker>[0] = {}) {
  const worker = await setupWorker(options);
  const deadlineAt = worker.clock.now() + 900_000;
  return { ...worker, job: worker.ledger.put({ deadlineAt, ...job }) };
}

describe("starting an attempt", () => {
  /** Puts something between the loading of a job and the start of its attempt. */
  async function beforeStart(happens: (worker: Awaited<ReturnType<typeof setup>>) => void) {
    const worker = await setup();
    const { startAttempts } = worker.ledger;
    Object.assign(worker.ports.ledger, {
      startAttempts: (starts: Parameters<typeof startAttempts>[0]) => {
        happens(worker);
        return startAttempts(starts);
      },
    });
    return worker;
  }

  test.each(["cancelled", "waiting"] as const)(
    "gives its room back when the job became %s first",
    async (state: JobState) => {
      const { run, job, capacity, models, clock } = await beforeStart(({ ledger, job }) =>
        ledger.overtake(job.id, state),
      );
      const now = clock.now();
      expect(await run(job)).toEqual({ kind: "later", at: now + 1_000 });
      expect(capacity.open.size).toBe(0);
      expect(models.calls).toEqual([]);
    },
  );

  test("gives its room back when the worker's lease is over", async () => {
    const { run, job, capacity, models } = await beforeStart(({ ledger }) => ledger.leases.clear());
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(capacity.open.size).toBe(0);
    expect(models.calls).toEqual([]);
  });

  test.each([
    { tookMs: 900, calls: 1 },
    { tookMs: 1_200, calls: 0 },
  ])(
    "that took $tookMs ms makes $calls calls when its reservation is gone: no rebuild of capacity may know it",
    async ({ tookMs, calls }) => {
      const { job, ledger, capacity, models, clock, ports, shutdown } = await setup();
      models.script.push(success);
      const startNow = ledger.faults.hang("startAttempts");
      const verdict = processJob(ports, job.id, shutdown);
      await clock.advance(tookMs);
      capacity.open.clear();
      startNow();
      expect(await verdict).toMatchObject({ kind: calls === 1 ? "done" : "later" });
      expect(models.calls).toHaveLength(calls);
    },
  );

  test("tells the ledger what the call holds of limits, and later when it was sent", async () => {
    const { run, job, ledger, capacity, models, clock } = await setup();
    models.script.push(success);
    const { tenantId, inputTokens } = job;
    await run(job);
    const [request] = capacity.requests;
    expect(ledger.starts[0]?.reserved).toEqual({
      reservationId: "reservation-1",
      tenantId,
      inputTokens,
      outputTokens: request?.outputTokens,
      usd: request?.costUsd,
    });
    const [settlement] = ledger.settlements;
    expect(settlement?.sentAt).toBeLessThanOrEqual(clock.now());
    expect(settlement?.sentAt).toBe((settlement?.endedAt ?? 0) + 1);
  });

  test("calls nothing and gives its room back when the ledger fails before the commit", async () => {
    const { run, job, ledger, capacity, models } = await setup();
    ledger.faults.arm("startAttempts");
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(capacity.open.size).toBe(0);
    expect(models.calls).toEqual([]);
    expect(ledger.at(job.id)).toMatchObject({ state: "queued", epoch: 0 });
    models.script.push(success);
    expect(await run(job)).toMatchObject({ kind: "done" });
  });

  test("takes an attempt back that was committed though the answer was lost", async () => {
    const { run, job, ledger, capacity, models } = await setup();
    ledger.faults.arm("startAttempts", 1, "after");
    ledger.faults.arm("settle", 3);
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(ledger.at(job.id)).toMatchObject({ state: "waiting", epoch: 1, attempts: 0 });
    expect(capacity.open.size).toBe(0);
    models.script.push(success);
    expect(await run(job)).toMatchObject({ kind: "done" });
    expect(ledger.at(job.id)).toMatchObject({ state: "succeeded", epoch: 2, attempts: 1 });
  });

  test("leaves the attempt of another worker alone when its own answer was lost", async () => {
    const { run, job, ledger, ports } = await setup();
    const { startAttempts } = ledger;
    ledger.leases.set("wrk_other", Number.POSITIVE_INFINITY);
    Object.assign(ports.ledger, {
      startAttempts: async ([start]: Parameters<typeof startAttempts>[0]) => {
        if (start !== undefined) await startAttempts([{ ...start, workerId: "wrk_other" }]);
        throw new Error("the answer is lost");
      },
    });
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(ledger.at(job.id)).toMatchObject({ state: "running", epoch: 1, ownerAlive: true });
  });

  test("does not begin before a stored body was read", async () => {
    const { run, ledger, files, capacity, models } = await setup();
    const stored = await files.put(Buffer.from('{"model":"auto"}'));
    const job = ledger.put({ body: { kind: "stored", key: stored.key, size: stored.bytes } });
    files.faults.arm("read");
    await expect(run(job)).rejects.toThrow("read fails");
    expect(ledger.at(job.id)).toMatchObject({ state: "queued", epoch: 0 });
    expect(capacity.open.size).toBe(0);
    models.script.push(success);
    expect(await run(job)).toMatchObject({ kind: "done" });
    expect(models.calls[0]?.body.toString()).toBe('{"model":"auto"}');
  });
});

describe("calling", () => {
  const untilAborted = (call: ModelCall) =>
    new Promise<Outcome>((resolve) => {
      const end = () => {
        const reason = call.signal.reason === "lease-lost" ? "lease-lost" : "shutdown";
        resolve({ kind: "aborted", reason, latencyMs: 5, sentAfterMs: 1 });
      };
      call.signal.addEventListener("abort", end);
    });

  test("is aborted by a shutdown, and the job waits for another worker at once", async () => {
    const { run, job, models, shutdown, ledger, clock } = await setup();
    models.script.push((call) => {
      const outcome = untilAborted(call);
      shutdown.abort(new Error("the worker is shutting down"));
      return outcome;
    });
    const now = clock.now();
    expect(await run(job)).toEqual({ kind: "later", at: now });
    expect(ledger.at(job.id)).toMatchObject({ state: "waiting", attempts: 0, notBeforeAt: now });
  });

  test("is aborted when the lease can no longer be relied on", async () => {
    const { job, models, ledger, clock, ports, shutdown } = await setup();
    models.script.push(untilAborted);
    const verdict = processJob(ports, job.id, shutdown);
    await settled();
    ledger.faults.arm("renewLease", 5);
    await clock.advance(17_000);
    expect(models.calls[0]?.signal.aborted).toBe(true);
    expect(await verdict).toMatchObject({ kind: "later" });
    expect(ledger.at(job.id).state).toBe("waiting");
  });

  test("lends its place while it takes far longer than usual, and only then", async () => {
    const { job, models, capacity, clock, ports, shutdown } = await setup();
    capacity.known.set("one", { latencyP95Ms: 2_500 });
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    models.script.push(() => promise);
    const lent: number[] = [];
    const lendPlace = () => void lent.push(clock.now());
    const verdict = processJob(ports, job.id, { signal: shutdown.signal, lendPlace });
    await clock.advance(9_900);
    expect([models.calls.length, lent]).toEqual([1, []]);
    await clock.advance(200);
    expect(lent).toHaveLength(1);
    resolve(success);
    expect(await verdict).toMatchObject({ kind: "done" });
  });

  test("keeps its place when it ends in time", async () => {
    const { job, models, capacity, clock, ports, shutdown } = await setup();
    capacity.known.set("one", { latencyP95Ms: 2_500 });
    models.script.push(success);
    const lent: number[] = [];
    await processJob(ports, job.id, {
      signal: shutdown.signal,
      lendPlace: () => void lent.push(clock.now()),
    });
    await clock.advance(60_000);
    expect(lent).toEqual([]);
  });

  test("tells capacity how long after its reservation the request left", async () => {
    const { job, models, ledger, clock, capacity, ports, shutdown } = await setup();
    models.script.push(success);
    const startNow = ledger.faults.hang("startAttempts");
    const verdict = processJob(ports, job.id, shutdown);
    await clock.advance(400);
    startNow();
    await verdict;
    expect(capacity.settlements[0]?.use.sentAfterMs).toBe(401);
  });

  test("ends as any failed attempt when the client itself throws", async () => {
    const { run, job, models, ledger, capacity, logger } = await setup();
    models.script.push(() => {
      throw new TypeError("a bug");
    });
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(ledger.at(job.id)).toMatchObject({ state: "waiting", attempts: 1, failedTargets: ["one"] });
    expect(capacity.open.size).toBe(0);
    expect(logger.entries.filter(({ level }) => level === "error")).toHaveLength(1);
  });

  test("goes to another target after one has failed", async () => {
    const targets = [sampleTarget("one"), sampleTarget("two")];
    const { run, job, models, clock } = await setup({}, { targets });
    const failure: Outcome = {
      kind: "overloaded",
      statusCode: 503,
      retryAfterMs: undefined,
      latencyMs: 1,
      sentAfterMs: 0,
    };
    models.script.push(failure, success);
    await run(job);
    await clock.advance(60_000);
    await run(job);
    expect(new Set(models.calls.map(({ target }) => target.id)).size).toBe(2);
  });
});
