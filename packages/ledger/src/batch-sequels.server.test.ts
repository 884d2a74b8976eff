import type { BatchSpec, CarryOver, EndedLine, JobSpec } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { find, lineAt, startLine } from "./testing/lines.ts";
import {
  ending,
  lineBytesOf,
  lineOf,
  minute,
  once,
  type Setup,
  setup,
  success,
  t0,
  tenant,
} from "./testing/setup.ts";

const bodyOf = (text: string) => ({ kind: "inline", bytes: Buffer.from(text) }) as const;

/** Ends every line: those of these numbers succeed with their number as result, the others fail. Then ends the batch. */
async function end(
  s: Setup,
  { batch, lines }: { batch: BatchSpec; lines: readonly JobSpec[] },
  good: number[],
) {
  const settlements = [];
  for (const job of lines) {
    const run = await startLine(s, job);
    const { line = 0 } = job.batchLine ?? {};
    const isGood = good.includes(line);
    settlements.push(
      isGood ? success(run, s.newIds(), `{"line":${line}}`) : ending(run, "failed", s.newIds()),
    );
  }
  await s.ledger.settle(settlements);
  await s.ledger.finaliseBatches(await s.leaderEpoch(), t0 + minute, s.newIds, lineBytesOf);
  expect(await find(s, batch.id)).toMatchObject({ status: "completed" });
}

/** Writes the lines of a batch as its validation does. */
async function insert(s: Setup, batch: BatchSpec, lines: JobSpec[], carry?: CarryOver) {
  await s.ledger.createBatch(batch);
  await s.ledger.claimValidation(batch.id, "v", minute);
  return s.ledger.insertLines(batch.id, "v", once(lines), () => t0 + 2 * minute, carry);
}

function carrying() {
  const told: { lines: [EndedLine, number][]; tokens: [string, number][] } = { lines: [], tokens: [] };
  const carry: CarryOver = {
    lineBytesOf(line, resultBytes) {
      told.lines.push([line, resultBytes]);
      return 1000 + resultBytes;
    },
    carried: (tokens) => told.tokens.push(...tokens),
  };
  return { told, carry };
}

describe("a batch that resumes another", () => {
  test("has the results of lines with the same custom_id and body at no cost, and runs the others", async () => {
    const s = await setup();
    const first = await s.runningBatch(4, {}, { body: bodyOf('{"n":1}') });
    await end(s, first, [1, 2, 3]);
    const batch = s.batch({ resumeFrom: first.batch.id });
    const line = (number: number, customId: string, body = '{"n":1}') =>
      s.spec({
        body: bodyOf(body),
        batchLine: { ...lineOf(batch, number), customId },
        candidateSet: `set-${number % 2}`,
      });
    // In another order; of line-3 the body has changed by a space; line-4 failed; line-5 is new.
    const lines = [
      line(1, "line-5"),
      line(2, "line-2"),
      line(3, "line-1"),
      line(4, "line-3", '{"n": 1}'),
      line(5, "line-4"),
    ];
    const { told, carry } = carrying();
    expect(await insert(s, batch, lines, carry)).toEqual({ total: 5 });
    const { status, counts } = await find(s, batch.id);
    expect(status).toBe("in_progress");
    const none = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
    expect(counts).toMatchObject({ total: 5, succeeded: 2, usage: none, costUsd: 0, outputBytes: 2020 });
    expect(new Map(told.tokens)).toEqual(
      new Map([
        ["set-0", 10],
        ["set-1", 10],
      ]),
    );
    const output = await s.ledger.readLines(batch.id, "output", 0, 10);
    expect(
      output.map(({ line, customId, result, carriedFrom }) => [line, customId, result?.body, carriedFrom]),
    ).toEqual([
      [2, "line-2", bodyOf('{"line":2}'), lineAt(first.lines, 2).id],
      [3, "line-1", bodyOf('{"line":1}'), lineAt(first.lines, 1).id],
    ]);
    expect(told.lines.map(([{ line, result }, bytes]) => [line, result?.statusCode, bytes])).toEqual([
      [2, 200, 10],
      [3, 200, 10],
    ]);
    const [unfed] = await s.ledger.unfedWindows(t0);
    expect(unfed).toBeDefined();
    const standing = await s.ledger.findStandings(lines.map(({ id }) => id));
    expect(lines.map(({ id }) => standing.get(id)?.state)).toEqual([
      "queued",
      "succeeded",
      "succeeded",
      "queued",
      "queued",
    ]);
    expect(await s.ledger.findJob(tenant, lineAt(lines, 2).id)).toMatchObject({
      state: "succeeded",
      attempts: 0,
      usage: none,
      costUsd: 0,
      finishedAt: t0 + 2 * minute,
      carriedFrom: lineAt(first.lines, 2).id,
    });
  });

  test("has what succeeded in the retries of the other too, and ends at once when nothing is left", async () => {
    const s = await setup();
    const first = await s.runningBatch(3);
    await end(s, first, [1]);
    const retry = s.batch({ retryOf: first.batch.id });
    const again = [2, 3].map((number) => s.spec({ batchLine: lineOf(retry, number) }));
    await insert(s, retry, again);
    await end(s, { batch: retry, lines: again }, [2]);
    for (const resumeFrom of [first.batch.id, retry.id]) {
      const batch = s.batch({ resumeFrom });
      const lines = [1, 2, 3].map((number) => s.spec({ batchLine: lineOf(batch, number) }));
      await insert(s, batch, lines, carrying().carry);
      const output = await s.ledger.readLines(batch.id, "output", 0, 10);
      expect(output.map(({ line, carriedFrom }) => [line, carriedFrom])).toEqual([
        [1, lineAt(first.lines, 1).id],
        [2, again[0]?.id],
      ]);
      const whole = s.batch({ resumeFrom: batch.id });
      await insert(
        s,
        whole,
        [1, 2].map((number) => s.spec({ batchLine: lineOf(whole, number) })),
        carrying().carry,
      );
      await s.ledger.finaliseBatches(await s.leaderEpoch(), t0 + 3 * minute, s.newIds, lineBytesOf);
      expect(await find(s, whole.id)).toMatchObject({
        status: "completed",
        counts: { total: 2, succeeded: 2 },
      });
    }
  });

  test("compares requests in the file store by their keys, and keeps nothing when it is refused", async () => {
    const s = await setup();
    const stored = (key: string) => ({ kind: "stored", key, size: 70_000 }) as const;
    const first = await s.runningBatch(1, {}, { body: stored("sha-1") });
    await end(s, first, [1]);
    const resumed = async (key: string, carry: CarryOver) => {
      const batch = s.batch({ resumeFrom: first.batch.id });
      await insert(s, batch, [s.spec({ body: stored(key), batchLine: lineOf(batch, 1) })], carry);
      return (await find(s, batch.id)).counts.succeeded;
    };
    expect(await resumed("sha-2", carrying().carry)).toBe(0);
    expect(await resumed("sha-1", carrying().carry)).toBe(1);
    const outcomes = async () => (await s.sql`SELECT FROM outcomes`).length;
    const before = await outcomes();
    const refusing = {
      ...carrying().carry,
      carried: () => {
        throw new Error("no room");
      },
    };
    await expect(resumed("sha-1", refusing)).rejects.toThrow("no room");
    expect(await outcomes()).toBe(before);
  });

  test("has nothing of another tenant's batch", async () => {
    const s = await setup();
    const first = await s.runningBatch(1);
    await end(s, first, [1]);
    const other = "other" as typeof tenant;
    const batch = s.batch({ tenantId: other, resumeFrom: first.batch.id });
    await insert(s, batch, [s.spec({ tenantId: other, batchLine: lineOf(batch, 1) })], carrying().carry);
    expect((await s.ledger.findBatch(other, batch.id))?.counts).toMatchObject({ total: 1, succeeded: 0 });
  });
});

describe("a batch that retries another", () => {
  test("finds the lines that did not succeed, whole and in order, by pages", async () => {
    const s = await setup();
    const first = await s.runningBatch(6, {}, { capabilities: ["tools"], maxOutputTokens: 9 });
    await end(s, first, [2, 5]);
    const lines = await s.ledger.readRetryLines(first.batch.id, 0, 3);
    const all = [...lines, ...(await s.ledger.readRetryLines(first.batch.id, 4, 3))];
    expect(all).toEqual([1, 3, 4, 6].map((number) => lineAt(first.lines, number)));
  });

  test("is made once, unless it failed, and each names the other", async () => {
    const s = await setup();
    const { batch } = await s.runningBatch(1);
    const retry = () => s.batch({ retryOf: batch.id });
    const [first, second] = [retry(), retry()];
    await s.ledger.createBatch(first);
    await expect(s.ledger.createBatch(second)).rejects.toMatchObject({
      code: "already_retried",
      param: "retry_of",
    });
    expect(await find(s, first.id)).toMatchObject({ retryOf: batch.id, retriedAs: undefined });
    expect(await find(s, batch.id)).toMatchObject({ retryOf: undefined, retriedAs: first.id });
    await s.ledger.failBatch(first.id, [], 0, t0, s.newIds());
    expect(await find(s, batch.id)).toMatchObject({ retriedAs: undefined });
    await s.ledger.createBatch(second);
    expect(await find(s, batch.id)).toMatchObject({ retriedAs: second.id });
  });
});
