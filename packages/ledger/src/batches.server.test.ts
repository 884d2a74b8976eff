import type { Batch, BatchId, JobSpec } from "@sluice/domain";
import { finishedLines } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import {
  claimOf,
  ending,
  lineBytesOf,
  lineOf,
  minute,
  once,
  type Setup,
  setup,
  startOf,
  success,
  t0,
  tenant,
  waiting,
} from "./testing/setup.ts";

const bytesOf = (customId: string, code: string) => customId.length + code.length;

async function startLine({ ledger, register }: Setup, job: JobSpec) {
  const workerId = await register();
  await ledger.startAttempts([startOf(job, workerId, 0)]);
  return { job, workerId, epoch: 1 };
}

async function find({ ledger }: Setup, id: BatchId): Promise<Batch> {
  const batch = await ledger.findBatch(tenant, id);
  if (batch === undefined) throw new Error("no batch");
  return batch;
}

function lineAt(lines: readonly JobSpec[], number: number): JobSpec {
  const line = lines[number - 1];
  if (line === undefined) throw new Error(`no line ${number}`);
  return line;
}

describe("creating and validating", () => {
  test("keeps every field, once per idempotency key", async () => {
    const { ledger, batch } = await setup();
    const spec = batch({
      metadata: { a: "b" },
      routing: { pools: ["x"] },
      webhookUrl: "https://example.com/",
      priority: 3,
    });
    const claim = { ...claimOf("key", "body", "one"), route: "POST /v1/batches" };
    expect(await ledger.createBatch(spec, claim)).toEqual({ kind: "accepted" });
    const repeat = await ledger.createBatch(batch(), { ...claim, response: { status: 200, body: "two" } });
    expect(repeat).toEqual({ kind: "replayed", status: 202, body: '{"id":"one"}' });
    expect(await ledger.createBatch(batch(), { ...claim, bodySha256: Buffer.from("x") })).toEqual({
      kind: "key-reused",
    });
    const found = await ledger.findBatch(tenant, spec.id);
    expect(found).toMatchObject({
      ...spec,
      status: "validating",
      errors: [],
      counts: { total: 0, outputBytes: 0 },
    });
    expect(await ledger.findBatch("other" as typeof tenant, spec.id)).toBeUndefined();
    expect((await ledger.listBatches(tenant, { limit: 5, order: "desc" })).map(({ id }) => id)).toEqual([
      spec.id,
    ]);
  });

  test("lists page by id in both orders", async () => {
    const { ledger, batch } = await setup();
    const [a, b, c] = [batch(), batch(), batch()];
    for (const each of [a, b, c]) await ledger.createBatch(each);
    const list = async (page: object) =>
      (await ledger.listBatches(tenant, { limit: 2, order: "desc", ...page })).map(({ id }) => id);
    expect(await list({})).toEqual([c.id, b.id]);
    expect(await list({ after: b.id })).toEqual([a.id]);
    expect(await list({ after: a.id, order: "asc" })).toEqual([b.id, c.id]);
  });

  test("one process validates a batch; another may take over when its claim has run out", async () => {
    const { ledger, batch } = await setup();
    const spec = batch();
    await ledger.createBatch(spec);
    expect(await ledger.batchesToValidate(10)).toEqual([spec.id]);
    expect(await ledger.claimValidation(spec.id, "a", minute)).toMatchObject({ id: spec.id });
    expect(await ledger.claimValidation(spec.id, "b", minute)).toBeUndefined();
    expect(await ledger.batchesToValidate(10)).toEqual([]);
    await ledger.claimValidation(spec.id, "a", 0);
    expect(await ledger.batchesToValidate(10)).toEqual([spec.id]);
    expect(await ledger.claimValidation(spec.id, "b", minute)).toMatchObject({ id: spec.id });
    const lines = once([] as JobSpec[]);
    expect(await ledger.insertLines(spec.id, "a", lines, () => t0)).toBeUndefined();
    expect(await find({ ledger } as Setup, spec.id)).toMatchObject({ status: "validating" });
  });

  test("a failed one keeps its errors and tells its webhook", async () => {
    const s = await setup();
    const spec = s.batch({ webhookUrl: "https://example.com/" });
    await s.ledger.createBatch(spec);
    const errors = [
      { code: "invalid_json", line: 3, message: "Line 3 is not JSON.", param: undefined },
      { code: "empty", line: undefined, message: "x", param: "body" },
    ];
    const ids = s.newIds();
    expect(await s.ledger.failBatch(spec.id, errors, 7, t0 + 5, ids)).toBe(ids.deliveryId);
    expect(await s.ledger.failBatch(spec.id, [], 0, t0 + 6, s.newIds())).toBeUndefined();
    const failed = await find(s, spec.id);
    expect(failed).toMatchObject({ status: "failed", failedAt: t0 + 5, counts: { total: 7 } });
    expect(failed.errors.map(({ code, line, param }) => [code, line ?? 0, param ?? ""])).toEqual([
      ["invalid_json", 3, ""],
      ["empty", 0, "body"],
    ]);
    const due = await s.ledger.claimDelivery(ids.deliveryId, t0 + 5, minute);
    expect(due?.event).toMatchObject({ type: "batch.failed", objectId: spec.id });
  });
});

describe("inserting lines", () => {
  test("keeps every field of each line, in order, and starts the batch", async () => {
    const s = await setup();
    const routing = { pools: ["small"], maxPrice: 0.1 };
    const changes = {
      capabilities: ["vision"],
      metadata: { a: 'ü"\\' },
      routing,
      maxOutputTokens: 5,
      effectiveDeadlineAt: t0 - 0.4,
    };
    const { batch, lines } = await s.runningBatch(3, {}, { ...changes, webhookUrl: "https://example.com/" });
    expect(await find(s, batch.id)).toMatchObject({
      status: "in_progress",
      inProgressAt: t0,
      counts: { total: 3 },
    });
    for (const line of lines) {
      const expected = { ...line, effectiveDeadlineAt: t0, state: "queued", attempts: 0, epoch: 0 };
      expect(await s.ledger.findJob(tenant, line.id)).toEqual(expected);
    }
    const stored = await s.runningBatch(
      1,
      {},
      { body: { kind: "stored", key: "k", size: 9 }, acceptedAt: Date.UTC(1999, 1, 1) },
    );
    const [line] = stored.lines;
    expect(await s.ledger.findJob(tenant, lineAt(stored.lines, 1).id)).toMatchObject({
      body: line?.body,
      acceptedAt: line?.acceptedAt,
    });
  });

  test("keeps nothing when the reader of the lines fails, and the connection stays usable", async () => {
    const { ledger, batch, spec, sql } = await setup();
    const made = batch();
    await ledger.createBatch(made);
    await ledger.claimValidation(made.id, "v", minute);
    const fault = new Error("line 501 is bad");
    async function* failing() {
      yield Array.from({ length: 500 }, (_, index) => spec({ batchLine: lineOf(made, index + 1) }));
      throw fault;
    }
    for (let round = 0; round < 6; round += 1) {
      await expect(ledger.insertLines(made.id, "v", failing(), () => t0)).rejects.toBe(fault);
    }
    expect(await sql`SELECT FROM jobs`).toHaveLength(0);
    expect(await sql`SELECT FROM live_jobs`).toHaveLength(0);
    const good = [spec({ batchLine: lineOf(made, 1) })];
    expect(await ledger.insertLines(made.id, "v", once(good), () => t0)).toEqual({ total: 1 });
  });

  test("keeps nothing when PostgreSQL refuses the last line, or one before lines without end", async () => {
    const { ledger, batch, spec, sql } = await setup();
    const made = batch();
    await ledger.createBatch(made);
    await ledger.claimValidation(made.id, "v", minute);
    const bad = { ...lineOf(made, 2), customId: "nul\0" };
    async function* lines(endless: boolean) {
      yield [spec({ batchLine: lineOf(made, 1) }), spec({ batchLine: bad })];
      for (let line = 3; endless; line += 1) yield [spec({ batchLine: lineOf(made, line) })];
    }
    const insert = (endless: boolean) => ledger.insertLines(made.id, "v", lines(endless), () => t0);
    await expect(insert(false)).rejects.toThrow(/ledger.insertLines failed with 25P02/);
    await expect(insert(true)).rejects.toThrow(/ledger.insertLines failed with 22021/);
    expect(await sql`SELECT FROM jobs`).toHaveLength(0);
    await Promise.all(Array.from({ length: 8 }, () => ledger.ping()));
  });

  test("keeps nothing when the batch is cancelled meanwhile", async () => {
    const s = await setup();
    const made = s.batch();
    await s.ledger.createBatch(made);
    await s.ledger.claimValidation(made.id, "v", minute);
    async function* lines() {
      yield [s.spec({ batchLine: lineOf(made, 1) })];
      await s.ledger.cancelBatch(tenant, made.id, t0 + 1, s.newIds, lineBytesOf);
      yield [s.spec({ batchLine: lineOf(made, 2) })];
    }
    expect(await s.ledger.insertLines(made.id, "v", lines(), () => t0)).toBeUndefined();
    expect(await s.sql`SELECT FROM jobs`).toHaveLength(0);
    const ended = await s.ledger.finaliseBatches(await s.leaderEpoch(), t0 + 2, s.newIds, lineBytesOf);
    expect(ended).toMatchObject([{ id: made.id, status: "cancelled" }]);
    expect(await find(s, made.id)).toMatchObject({
      status: "cancelled",
      cancellingAt: t0 + 1,
      cancelledAt: t0 + 2,
    });
  });
});

describe("counting and ending", () => {
  test("counts every way of ending, with usage, cost and bytes, and ends when the last line has", async () => {
    const s = await setup();
    const { ledger, newIds } = s;
    const { batch, lines } = await s.runningBatch(5, { webhookUrl: "https://example.com/" });
    const epoch = await s.leaderEpoch();
    const [one, two, three, four] = await Promise.all(
      [1, 2, 3, 4].map((n) => startLine(s, lineAt(lines, n))),
    );
    if (!one || !two || !three || !four) throw new Error();
    await ledger.settle([
      success(one, newIds(), "a", 101),
      success(two, newIds(), "b", 102),
      ending(three, "failed", newIds()),
      ending(four, "dead", newIds()),
    ]);
    expect(await ledger.finaliseBatches(epoch, t0 + 1, newIds, lineBytesOf)).toEqual([]);
    await ledger.cancelJob(tenant, lineAt(lines, 5).id, t0, newIds(), lineBytesOf);
    const [ended, ...others] = await ledger.finaliseBatches(epoch, t0 + 2, newIds, lineBytesOf);
    expect(others).toEqual([]);
    expect(ended).toMatchObject({ id: batch.id, status: "completed" });
    const { counts, ...rest } = await find(s, batch.id);
    expect(counts).toEqual({
      total: 5,
      succeeded: 2,
      failed: 1,
      dead: 1,
      cancelled: 1,
      expired: 0,
      usage: { inputTokens: 20, outputTokens: 40, cachedInputTokens: 6, reasoningTokens: 8 },
      costUsd: 0.025,
      outputBytes: 203,
      errorBytes: 100 + bytesOf("line-5", "job_cancelled"),
    });
    expect(finishedLines(counts)).toBe(counts.total);
    expect(rest).toMatchObject({ status: "completed", completedAt: t0 + 2, finalizingAt: t0 + 2 });
    expect(rest.cancelledAt).toBeUndefined();
    const due = await ledger.claimDelivery(ended?.deliveryId ?? "dlv_", t0 + 2, minute);
    expect(due?.event).toMatchObject({ type: "batch.completed", objectId: batch.id });
    expect(await ledger.finaliseBatches(epoch, t0 + 3, newIds, lineBytesOf)).toEqual([]);
  });

  test("expires when its window has passed and a line with it", async () => {
    const s = await setup();
    const { batch, lines } = await s.runningBatch(2, { expiresAt: t0 + minute }, { deadlineAt: t0 + minute });
    const epoch = await s.leaderEpoch();
    const done = await startLine(s, lineAt(lines, 1));
    await s.ledger.settle([success(done, s.newIds())]);
    await s.ledger.expireJobs(epoch, t0 + minute, 10, s.newIds, lineBytesOf);
    const ended = await s.ledger.finaliseBatches(epoch, t0 + minute, s.newIds, lineBytesOf);
    expect(ended).toEqual([{ id: batch.id, status: "expired", deliveryId: undefined }]);
    expect(await find(s, batch.id)).toMatchObject({
      status: "expired",
      expiredAt: t0 + minute,
      counts: { succeeded: 1, expired: 1, errorBytes: bytesOf("line-2", "batch_expired") },
    });
    expect((await s.ledger.findJob(tenant, lineAt(lines, 2).id))?.failure?.code).toBe("batch_expired");
  });

  test("cancelling stops what has not started, lets what runs end, and stops what comes back", async () => {
    const s = await setup();
    const { ledger, newIds } = s;
    const { batch, lines } = await s.runningBatch(1203);
    const epoch = await s.leaderEpoch();
    const ends = await startLine(s, lineAt(lines, 1));
    const returns = await startLine(s, lineAt(lines, 2));
    const cancelling = await ledger.cancelBatch(tenant, batch.id, t0 + 1, newIds, lineBytesOf);
    expect(cancelling).toMatchObject({
      status: "cancelling",
      cancellingAt: t0 + 1,
      counts: { cancelled: 1201 },
    });
    expect(await ledger.unfedModels()).toEqual([]);
    await ledger.settle([waiting(returns, { avoidTarget: false, spentAttempt: true })]);
    const restart = await ledger.startAttempts([startOf(returns.job, returns.workerId, 1)]);
    expect(restart).toEqual([{ kind: "lost" }]);
    expect(await ledger.finaliseBatches(epoch, t0 + 2, newIds, lineBytesOf)).toEqual([]);
    expect(await ledger.settle([success(ends, newIds())])).toMatchObject([{ kind: "recorded" }]);
    expect(await ledger.finaliseBatches(epoch, t0 + 3, newIds, lineBytesOf)).toMatchObject([
      { status: "cancelled" },
    ]);
    const { counts, status } = await find(s, batch.id);
    expect(status).toBe("cancelled");
    expect(counts).toMatchObject({ succeeded: 1, cancelled: 1202 });
    const codeBytes = lines
      .slice(1)
      .reduce((sum, { batchLine }) => sum + bytesOf(batchLine?.customId ?? "", "batch_cancelled"), 0);
    expect(counts.errorBytes).toBe(codeBytes);
    expect(await ledger.cancelBatch(tenant, batch.id, t0 + 9, newIds, lineBytesOf)).toMatchObject({
      status: "cancelled",
    });
    expect(
      await ledger.cancelBatch("other" as typeof tenant, batch.id, t0, newIds, lineBytesOf),
    ).toBeUndefined();
  });
});

describe("reading lines", () => {
  test("pages through each side in order of line", async () => {
    const s = await setup();
    const { ledger, newIds } = s;
    const { batch, lines } = await s.runningBatch(6);
    await s.runningBatch(2);
    const runs = [];
    for (const line of lines.toReversed()) runs.push(await startLine(s, line));
    for (const run of runs) {
      const number = run.job.batchLine?.line ?? 0;
      const ids = newIds();
      await ledger.settle([
        number % 3 === 0 ? ending(run, "dead", ids) : success(run, ids, `{"line":${number}}`),
      ]);
    }
    const output = await ledger.readLines(batch.id, "output", 0, 3);
    expect(output.map(({ line, customId, result }) => [line, customId, result?.body])).toEqual(
      [1, 2, 4].map((n) => [n, `line-${n}`, { kind: "inline", bytes: Buffer.from(`{"line":${n}}`) }]),
    );
    expect((await ledger.readLines(batch.id, "output", 4, 3)).map(({ line }) => line)).toEqual([5]);
    const errors = await ledger.readLines(batch.id, "error", 0, 10);
    expect(errors).toMatchObject([
      { line: 3, state: "dead", failure: { code: "attempts_exhausted" }, result: undefined },
      { line: 6, jobId: lineAt(lines, 6).id },
    ]);
  });

  test("the two files exist once they have a line, with the bytes that were counted", async () => {
    const s = await setup();
    const { ledger, newIds } = s;
    const { batch, lines } = await s.runningBatch(2);
    const fileIds = async () =>
      (await ledger.listFiles(tenant, { purpose: "batch_output" }, { limit: 9, order: "asc" })).map(
        ({ id }) => id,
      );
    expect(await ledger.findFile(tenant, batch.outputFileId)).toBeUndefined();
    expect(await fileIds()).toEqual([]);
    await ledger.settle([success(await startLine(s, lineAt(lines, 1)), newIds(), "x", 123)]);
    expect(await fileIds()).toEqual([batch.outputFileId]);
    await ledger.settle([ending(await startLine(s, lineAt(lines, 2)), "failed", newIds())]);
    expect(await fileIds()).toEqual([batch.outputFileId, batch.errorFileId]);
    expect(await ledger.findFile(tenant, batch.outputFileId)).toEqual({
      id: batch.outputFileId,
      tenantId: tenant,
      filename: `${batch.id}_output.jsonl`,
      purpose: "batch_output",
      bytes: 123,
      createdAt: batch.createdAt,
      content: { kind: "view", batchId: batch.id, side: "output" },
    });
    expect(await ledger.findFile(tenant, batch.errorFileId)).toMatchObject({
      bytes: 50,
      content: { side: "error" },
    });
    expect(await ledger.findFile("other" as typeof tenant, batch.errorFileId)).toBeUndefined();
  });
});
