import type { JobSpec } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { find, lineAt } from "./testing/lines.ts";
import {
  claimOf,
  lineBytesOf,
  lineOf,
  minute,
  once,
  type Setup,
  setup,
  t0,
  tenant,
} from "./testing/setup.ts";

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
    expect(
      (await ledger.listBatches(tenant, "openai", { limit: 5, order: "desc" })).map(({ id }) => id),
    ).toEqual([spec.id]);
  });

  test("lists page by id in both orders", async () => {
    const { ledger, batch } = await setup();
    const [a, b, c] = [batch(), batch(), batch()];
    for (const each of [a, b, c]) await ledger.createBatch(each);
    const list = async (page: object) =>
      (await ledger.listBatches(tenant, "openai", { limit: 2, order: "desc", ...page })).map(({ id }) => id);
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
    expect(await s.ledger.failBatch(spec.id, errors, 7, t0 + 5, ids)).toEqual([ids.deliveryId]);
    expect(await s.ledger.failBatch(spec.id, [], 0, t0 + 6, s.newIds())).toEqual([]);
    const failed = await find(s, spec.id);
    expect(failed).toMatchObject({ status: "failed", failedAt: t0 + 5, counts: { total: 7 } });
    expect(failed.errors.map(({ code, line, param }) => [code, line ?? 0, param ?? ""])).toEqual([
      ["invalid_json", 3, ""],
      ["empty", 0, "body"],
    ]);
    const due = await s.ledger.claimDelivery(ids.deliveryId, t0 + 5, minute, { receivers: [], tenants: [] });
    expect(due.kind === "claimed" && due.due.event).toMatchObject({
      type: "batch.failed",
      objectId: spec.id,
    });
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

  test("its last line can be read, with what was predicted of it", async () => {
    const { ledger, batch, spec } = await setup();
    const made = batch();
    await ledger.createBatch(made);
    expect(await ledger.findLastLine(made.id)).toBeUndefined();
    await ledger.claimValidation(made.id, "v", minute);
    const lines = [1, 2, 3].map((line) =>
      spec({
        batchLine: lineOf(made, line),
        estimate: { p50At: t0 + line, p95At: t0 + 2 * line, waitMs: line, serviceMs: 1 },
      }),
    );
    await ledger.insertLines(made.id, "v", once(lines), () => t0);
    expect(await ledger.findLastLine(made.id)).toMatchObject({
      id: lines[2]?.id,
      estimate: lines[2]?.estimate,
    });
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
