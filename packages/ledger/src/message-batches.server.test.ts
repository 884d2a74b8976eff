import { type FileRecord, type NewLine, uuidOf } from "@sluice/domain";
import { expect, test } from "vitest";
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

const refusal = { statusCode: 404, body: Buffer.from('{"type":"error"}') };

/** A message batch of this many lines, with its input claimed in the store. */
async function created(s: Setup, lines: number, key?: string) {
  const spec = s.batch({ dialect: "anthropic", endpoint: "/v1/messages", lines });
  const storeKey = `${key ?? "input"}-${uuidOf("batch", spec.id)}`;
  await s.ledger.claimContent(storeKey, t0 + minute);
  const input: FileRecord = {
    id: spec.inputFileId,
    tenantId: tenant,
    filename: "requests.jsonl",
    purpose: "batch",
    bytes: 7,
    createdAt: t0,
    expiresAt: undefined,
    content: { kind: "stored", key: storeKey },
  };
  const claim = key === undefined ? undefined : claimOf(key, "body", "answer");
  return { spec, storeKey, result: await s.ledger.createBatch(spec, claim, input) };
}

/** Validates it into these lines; the ones that `refused` names come in with their end. */
async function filled(s: Setup, refused: readonly number[], count = 3) {
  const made = await created(s, count);
  await s.ledger.claimValidation(made.spec.id, "validator", minute);
  const lines = Array.from({ length: count }, (_, index): NewLine => {
    const line = s.spec({ batchLine: lineOf(made.spec, index + 1), endpoint: "/v1/messages" });
    return refused.includes(index + 1) ? { ...line, refusal } : line;
  });
  const inserted = await s.ledger.insertLines(made.spec.id, "validator", once(lines), () => t0);
  expect(inserted).toEqual({ total: count });
  return { ...made, lines };
}

const finalise = async (s: Setup) =>
  s.ledger.finaliseBatches(await s.leaderEpoch(), t0 + minute, s.newIds, lineBytesOf);

test("a message batch is seen in its own list only, and knows its lines from the beginning", async () => {
  const s = await setup();
  const { spec } = await created(s, 5);
  const other = s.batch();
  await s.ledger.createBatch(other);
  const listed = async (dialect: "openai" | "anthropic") =>
    (await s.ledger.listBatches(tenant, dialect, { limit: 9, order: "desc" })).map(({ id }) => id);
  expect([await listed("openai"), await listed("anthropic")]).toEqual([[other.id], [spec.id]]);
  expect(await s.ledger.findBatch(tenant, spec.id, "openai")).toBeUndefined();
  const { lines, ...kept } = spec;
  expect(await s.ledger.findBatch(tenant, spec.id, "anthropic")).toMatchObject({
    ...kept,
    status: "validating",
    counts: { total: lines },
  });
});

test("its input is nobody's file, and goes when it has been read", async () => {
  const s = await setup();
  const { spec, storeKey } = await created(s, 1);
  expect(await s.ledger.findFile(tenant, spec.inputFileId)).toBeUndefined();
  expect(await s.ledger.listFiles(tenant, {}, { limit: 9, order: "desc" })).toEqual([]);
  expect(await s.ledger.findInput(tenant, spec.inputFileId)).toMatchObject({ bytes: 7 });
  const epoch = await s.leaderEpoch();
  expect(await s.ledger.purgeFiles(epoch, t0 + minute, 9)).toBe(0);
  await s.ledger.claimValidation(spec.id, "validator", minute);
  const line = s.spec({ batchLine: lineOf(spec, 1) });
  await s.ledger.insertLines(spec.id, "validator", once([line]), () => t0);
  expect(await s.ledger.purgeFiles(epoch, t0 + minute, 9)).toBe(1);
  const erased: string[] = [];
  await s.ledger.dropContents(t0 + 2 * minute, 9, async (key) => void erased.push(key));
  expect(erased).toEqual([storeKey]);
});

test("a call that repeats another leaves no second batch and no second input", async () => {
  const s = await setup();
  const first = await created(s, 1, "key");
  const second = await created(s, 1, "key");
  expect([first.result.kind, second.result.kind]).toEqual(["accepted", "replayed"]);
  expect(await s.ledger.findBatch(tenant, second.spec.id)).toBeUndefined();
  expect(await s.ledger.findInput(tenant, second.spec.inputFileId)).toBeUndefined();
});

test("lines that come in with a refusal have failed with it; the others run", async () => {
  const s = await setup();
  const { spec, lines } = await filled(s, [1, 3]);
  expect(await s.ledger.findBatch(tenant, spec.id)).toMatchObject({
    status: "in_progress",
    counts: { total: 3, failed: 2 },
  });
  const read = await s.ledger.readLines(spec.id, "error", 0, 9);
  expect(read.map(({ line, state, result }) => [line, state, result?.statusCode])).toEqual([
    [1, "failed", 404],
    [3, "failed", 404],
  ]);
  expect(read[0]?.result).toMatchObject({
    contentType: "application/json",
    body: { kind: "inline", bytes: refusal.body },
  });
  const states = await Promise.all(lines.map(({ id }) => s.ledger.findJob(tenant, id)));
  expect(states.map((job) => job?.state)).toEqual(["failed", "queued", "failed"]);
  expect(await finalise(s)).toEqual([]);
});

test("one all of whose lines are refused ends, and its lines make no files", async () => {
  const s = await setup();
  const { spec } = await filled(s, [1, 2, 3]);
  expect(await finalise(s)).toMatchObject([{ id: spec.id, status: "completed" }]);
  expect(await s.ledger.listFiles(tenant, {}, { limit: 9, order: "desc" })).toEqual([]);
});

test("one that ends before its lines came in keeps its count and its input, until it is deleted", async () => {
  const s = await setup();
  const failed = await created(s, 4);
  const cancelled = await created(s, 2);
  await s.ledger.failBatch(failed.spec.id, [], 0, t0, s.newIds());
  await s.ledger.cancelBatch(tenant, cancelled.spec.id, t0, s.newIds, lineBytesOf);
  await finalise(s);
  const totals = await Promise.all(
    [failed, cancelled].map(async ({ spec }) => (await s.ledger.findBatch(tenant, spec.id))?.counts.total),
  );
  expect(totals).toEqual([4, 2]);
  const epoch = await s.leaderEpoch();
  expect(await s.ledger.purgeFiles(epoch, t0 + minute, 9)).toBe(0);
  expect(await s.ledger.deleteBatch(tenant, failed.spec.id, t0)).toBe(true);
  expect(await s.ledger.purgeFiles(epoch, t0 + minute, 9)).toBe(1);
});

test("only an ended one is deleted, by its tenant, and with it its requests and results", async () => {
  const s = await setup();
  const { spec, lines } = await filled(s, [1, 2]);
  expect(await s.ledger.deleteBatch(tenant, spec.id, t0)).toBe(false);
  await s.ledger.cancelBatch(tenant, spec.id, t0, s.newIds, lineBytesOf);
  await finalise(s);
  const stranger = "other" as typeof tenant;
  expect(await s.ledger.deleteBatch(stranger, spec.id, t0)).toBe(false);
  expect(await s.ledger.deleteBatch(tenant, spec.id, t0)).toBe(true);
  expect(await s.ledger.deleteBatch(tenant, spec.id, t0)).toBe(false);
  expect(await s.ledger.findBatch(tenant, spec.id)).toBeUndefined();
  expect(await s.ledger.listBatches(tenant, "anthropic", { limit: 9, order: "desc" })).toEqual([]);
  expect(await s.ledger.readLines(spec.id, "error", 0, 9)).toEqual([]);
  for (const { id } of lines) expect(await s.ledger.findJob(tenant, id)).toBeUndefined();
});
