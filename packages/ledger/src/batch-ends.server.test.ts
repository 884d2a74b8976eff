import { finishedLines } from "@sluice/domain";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonBytes } from "./cancel-quietly.ts";
import { bytesOf, find, lineAt, startLine } from "./testing/lines.ts";
import {
  ending,
  lineBytesOf,
  minute,
  setup,
  startOf,
  success,
  t0,
  tenant,
  waiting,
} from "./testing/setup.ts";

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
    const due = await ledger.claimDelivery(ended?.deliveryIds[0] ?? "dlv_", t0 + 2, minute, {
      receivers: [],
      tenants: [],
    });
    expect(due.kind === "claimed" && due.due.event).toMatchObject({
      type: "batch.completed",
      objectId: batch.id,
    });
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
    expect(ended).toEqual([{ id: batch.id, status: "expired", deliveryIds: [] }]);
    expect(await find(s, batch.id)).toMatchObject({
      status: "expired",
      expiredAt: t0 + minute,
      counts: { succeeded: 1, expired: 1, errorBytes: bytesOf("line-2", "batch_expired") },
    });
    expect((await s.ledger.findJob(tenant, lineAt(lines, 2).id))?.failure?.code).toBe("batch_expired");
  });

  test.each([
    ["telling nobody of its lines", { webhookJobs: false, webhookUrl: undefined }],
    ["telling of each line", { webhookJobs: true, webhookUrl: "https://example.com/" }],
  ])(
    "cancelling, %s, stops what has not started, lets what runs end, and stops what comes back",
    async (_how, changes) => {
      const s = await setup();
      const { ledger, newIds } = s;
      const { batch, lines } = await s.runningBatch(903, changes, { webhookUrl: changes.webhookUrl });
      const epoch = await s.leaderEpoch();
      const ends = await startLine(s, lineAt(lines, 1));
      const returns = await startLine(s, lineAt(lines, 2));
      const cancelling = await ledger.cancelBatch(tenant, batch.id, t0 + 1, newIds, lineBytesOf);
      expect(cancelling).toMatchObject({
        status: "cancelling",
        cancellingAt: t0 + 1,
        counts: { cancelled: 901 },
      });
      expect(await ledger.unfedWindows(t0)).toEqual([]);
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
      expect(counts).toMatchObject({ succeeded: 1, cancelled: 902 });
      const codeBytes = lines
        .slice(1)
        .reduce((sum, { batchLine }) => sum + bytesOf(batchLine?.customId ?? "", "batch_cancelled"), 0);
      expect(counts.errorBytes).toBe(codeBytes);
      const events = await s.sql`SELECT FROM events WHERE type = 'job.cancelled'`;
      expect(events).toHaveLength(changes.webhookJobs ? 902 : 0);
      expect(await ledger.findJob(tenant, lineAt(lines, 903).id)).toMatchObject({
        state: "cancelled",
        finishedAt: t0 + 1,
        attempts: 0,
        failure: { code: "batch_cancelled" },
      });
      expect(await ledger.cancelBatch(tenant, batch.id, t0 + 9, newIds, lineBytesOf)).toMatchObject({
        status: "cancelled",
      });
      expect(
        await ledger.cancelBatch("other" as typeof tenant, batch.id, t0, newIds, lineBytesOf),
      ).toBeUndefined();
    },
  );
});

test("a batch of many lines is cancelled part by part, and a line that starts meanwhile is left to its attempt", async () => {
  const s = await setup();
  const { ledger, newIds } = s;
  const { batch, lines } = await s.runningBatch(20_000);
  const started = await startLine(s, lineAt(lines, 19_999));
  const [first, second] = await Promise.all([
    ledger.cancelBatch(tenant, batch.id, t0 + 1, newIds, lineBytesOf),
    ledger.startAttempts([startOf(lineAt(lines, 20_000), started.workerId, 0)]),
  ]);
  expect(first).toMatchObject({ status: "cancelling", counts: { cancelled: 10_000 } });
  const epoch = await s.leaderEpoch();
  expect(await ledger.finaliseBatches(epoch + 1, t0 + 2, newIds, lineBytesOf)).toEqual([]);
  expect(await find(s, batch.id)).toMatchObject({ counts: { cancelled: 10_000 } });
  await ledger.finaliseBatches(epoch, t0 + 2, newIds, lineBytesOf);
  const running = second[0]?.kind === "started" ? 2 : 1;
  expect(await find(s, batch.id)).toMatchObject({
    status: "cancelling",
    counts: { cancelled: 20_000 - running },
  });
});

describe("the files of a batch", () => {
  test("are dated by its end once it has ended, and live from then on for as long as it says", async () => {
    const s = await setup();
    const { batch, lines } = await s.runningBatch(1, { outputLifeSeconds: 3_600 });
    await s.ledger.settle([success(await startLine(s, lineAt(lines, 1)), s.newIds())]);
    const output = () => s.ledger.findFile(tenant, batch.outputFileId);
    expect(await output()).toMatchObject({ createdAt: batch.createdAt, expiresAt: undefined });
    await s.ledger.finaliseBatches(await s.leaderEpoch(), t0 + minute, s.newIds, lineBytesOf);
    expect(await output()).toMatchObject({ createdAt: t0 + minute, expiresAt: t0 + 61 * minute });
    const listed = async (liveAt: number) =>
      (await s.ledger.listFiles(tenant, { liveAt }, { limit: 9, order: "asc" })).map(({ id }) => id);
    expect(await listed(t0 + 61 * minute - 1)).toEqual([batch.outputFileId]);
    expect(await listed(t0 + 61 * minute)).toEqual([]);
    expect(await s.ledger.deleteFile(tenant, batch.outputFileId, t0 + 61 * minute)).toBe(false);
    expect(await s.ledger.deleteFile(tenant, batch.outputFileId, t0 + 60 * minute)).toBe(true);
    const lasting = await s.runningBatch(1);
    await s.ledger.settle([success(await startLine(s, lineAt(lasting.lines, 1)), s.newIds())]);
    await s.ledger.finaliseBatches(await s.leaderEpoch(), t0 + minute, s.newIds, lineBytesOf);
    expect(await s.ledger.findFile(tenant, lasting.batch.outputFileId)).toMatchObject({
      expiresAt: undefined,
    });
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
      content: { kind: "view", isFinal: false, batchId: batch.id, side: "output" },
    });
    expect(await ledger.findFile(tenant, batch.errorFileId)).toMatchObject({
      bytes: 50,
      content: { side: "error" },
    });
    expect(await ledger.findFile("other" as typeof tenant, batch.errorFileId)).toBeUndefined();
  });
});

test("PostgreSQL tells how long a custom_id is in a line of the error file", async () => {
  const { sql } = await setup();
  const texts = fc.array(fc.string({ unit: "binary", maxLength: 40 }), { minLength: 50, maxLength: 50 });
  const odd = ["", '"\\/', "\b\f\n\r\t\u0001\u001f\u007f", "\u2028\u2029\ufeff", "é💡", "<&>'"];
  await fc.assert(
    fc.asyncProperty(texts, async (some) => {
      const storable = [...odd, ...some].filter((text) => !text.includes("\0") && text.isWellFormed());
      const rows = await sql.unsafe<{ bytes: number }[]>(
        `SELECT ${jsonBytes("t.text")} AS bytes FROM jsonb_array_elements_text($1::text::jsonb) WITH ORDINALITY AS t (text, ord)
         ORDER BY t.ord`,
        [JSON.stringify(storable)],
      );
      expect(rows.map(({ bytes }) => bytes)).toEqual(
        storable.map((text) => Buffer.byteLength(JSON.stringify(text)) - 2),
      );
    }),
    { numRuns: 20 },
  );
});
