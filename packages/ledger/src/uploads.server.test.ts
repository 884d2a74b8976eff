import { type FileRecord, idFromUuid, type TenantId, type Upload, type UploadPart } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { lineBytesOf, minute, setup as setupLedger, t0, tenant } from "./testing/setup.ts";

const other = "other" as TenantId;
const hour = 60 * minute;

async function setup() {
  const base = await setupLedger();
  const { ledger, source } = base;
  const lease = await ledger.lead("dispatcher", "me", hour);
  const leaderEpoch = lease.leads ? lease.epoch : Number.NaN;
  const erased: string[] = [];

  function upload(changes: Partial<Upload> = {}): Upload {
    return {
      id: idFromUuid("upload", source.uuid()),
      tenantId: tenant,
      filename: "night.jsonl",
      purpose: "batch",
      mimeType: "application/jsonl",
      bytes: 6_000_000_000,
      createdAt: t0,
      expiresAt: t0 + hour,
      fileLifeMs: undefined,
      status: "pending",
      fileId: undefined,
      partIds: [],
      ...changes,
    };
  }
  function file(content: FileRecord["content"], changes: Partial<FileRecord> = {}): FileRecord {
    return {
      id: idFromUuid("file", source.uuid()),
      tenantId: tenant,
      filename: "night.jsonl",
      purpose: "batch",
      bytes: 3,
      createdAt: t0,
      expiresAt: undefined,
      content,
      ...changes,
    };
  }
  async function created(changes: Partial<Upload> = {}): Promise<Upload> {
    const made = upload(changes);
    await ledger.createUpload(made);
    return made;
  }
  async function add({ id }: Upload, key: string, now = t0): Promise<UploadPart> {
    await ledger.claimContent(key, t0 + hour);
    const part = {
      id: idFromUuid("uploadPart", source.uuid()),
      uploadId: id,
      bytes: 3,
      key,
      createdAt: t0,
    };
    expect(await ledger.addPart(part, now)).toBe(true);
    return part;
  }
  async function store(key: string, changes: Partial<FileRecord> = {}): Promise<FileRecord> {
    await ledger.claimContent(key, t0 + hour);
    const made = file({ kind: "stored", key }, changes);
    await ledger.createFile(made);
    return made;
  }
  /** One turn of the leader; what has been erased since the last. */
  async function sweep(now: number, epoch = leaderEpoch): Promise<string[]> {
    await ledger.purgeFiles(epoch, now, 100);
    await ledger.dropContents(now, 100, async (key) => void erased.push(key));
    return erased.splice(0).sort();
  }
  return { ...base, leaderEpoch, upload, file, created, add, store, sweep };
}

describe("uploads", () => {
  test("keep every field, each for its tenant only", async () => {
    const { ledger, created } = await setup();
    const made = await created({ fileLifeMs: 5 * hour });
    expect(await ledger.findUpload(tenant, made.id)).toEqual(made);
    expect(await ledger.findUpload(other, made.id)).toBeUndefined();
  });

  test("become a file of the parts in the order given, once", async () => {
    const { ledger, created, add, file } = await setup();
    const made = await created();
    const [a, b, left] = [await add(made, "c-a"), await add(made, "c-b"), await add(made, "c-left")];
    expect(await ledger.listParts(made.id)).toEqual([a, b, left]);
    const pieces = [b, a].map(({ key, bytes }) => ({ key, bytes }));
    const wanted = file({ kind: "pieces", pieces });
    expect(await ledger.completeUpload(made.id, wanted, [b, a], t0)).toBe(true);
    expect(await ledger.findFile(tenant, wanted.id)).toEqual(wanted);
    expect(await ledger.findUpload(tenant, made.id)).toMatchObject({
      status: "completed",
      fileId: wanted.id,
      partIds: [b.id, a.id],
    });
    expect(await ledger.listParts(made.id)).toEqual([]);
    expect(await ledger.completeUpload(made.id, file({ kind: "pieces", pieces }), [b, a], t0)).toBe(false);
    expect(await ledger.addPart({ ...a, id: "part_0192f0c8-0000-7000-8000-000000000001" }, t0)).toBe(false);
    expect(await ledger.cancelUpload(made.id, t0)).toBe(false);
  });

  test("of two that complete or cancel it at once, one does", async () => {
    const { ledger, open, created, add, file } = await setup();
    const made = await created();
    const part = await add(made, "c-a");
    const complete = (by: typeof ledger) =>
      by.completeUpload(made.id, file({ kind: "stored", key: "c-a" }), [part], t0);
    const answers = await Promise.all([complete(ledger), complete(open()), open().cancelUpload(made.id, t0)]);
    expect(answers.filter(Boolean)).toHaveLength(1);
  });

  test("cannot be changed once their time is over", async () => {
    const { ledger, created, add, file } = await setup();
    const made = await created();
    const part = await add(made, "c-a");
    const late = made.expiresAt;
    expect(await ledger.addPart({ ...part, id: idFromUuid("uploadPart", made.id.slice(7)) }, late)).toBe(
      false,
    );
    expect(await ledger.completeUpload(made.id, file({ kind: "stored", key: "c-a" }), [part], late)).toBe(
      false,
    );
    expect(await ledger.cancelUpload(made.id, late)).toBe(false);
  });

  test("leave a file only what it is made of; cancelled and expired ones leave nothing", async () => {
    const { ledger, created, add, file, sweep } = await setup();
    const [done, cancelled, expired] = [await created(), await created(), await created()];
    const kept = await add(done, "c-kept");
    await add(done, "c-unused");
    await add(cancelled, "c-cancelled");
    await add(expired, "c-expired");
    await ledger.completeUpload(done.id, file({ kind: "stored", key: "c-kept" }), [kept], t0);
    expect(await ledger.cancelUpload(cancelled.id, t0)).toBe(true);
    expect(await sweep(t0 + minute)).toEqual([]);
    expect(await sweep(t0 + hour)).toEqual(["c-cancelled", "c-expired", "c-unused"]);
    expect((await ledger.findUpload(tenant, expired.id))?.status).toBe("expired");
    expect(await sweep(t0 + 26 * hour)).toEqual([]);
    expect(await ledger.findUpload(tenant, cancelled.id)).toBeUndefined();
  });
});

describe("contents", () => {
  test("stay as long as one file uses them, and go with the last", async () => {
    const { ledger, store, sweep } = await setup();
    const [a, b] = [await store("c-shared"), await store("c-shared")];
    expect(await ledger.deleteFile(tenant, a.id, t0)).toBe(true);
    expect(await sweep(t0 + hour)).toEqual([]);
    expect(await ledger.deleteFile(tenant, b.id, t0 + hour)).toBe(true);
    expect(await sweep(t0 + hour)).toEqual(["c-shared"]);
    expect(await sweep(t0 + 2 * hour)).toEqual([]);
  });

  test("go when nothing has come to use them within their claim, and not before", async () => {
    const { ledger, sweep } = await setup();
    await ledger.claimContent("c-orphan", t0 + hour);
    expect(await sweep(t0 + hour - 1)).toEqual([]);
    expect(await sweep(t0 + hour)).toEqual(["c-orphan"]);
  });

  test("that are claimed again stay for the new claim", async () => {
    const { ledger, store, sweep } = await setup();
    const { id } = await store("c-again");
    await ledger.deleteFile(tenant, id, t0);
    await ledger.claimContent("c-again", t0 + 3 * hour);
    expect(await sweep(t0 + 2 * hour)).toEqual([]);
    expect(await sweep(t0 + 3 * hour)).toEqual(["c-again"]);
  });

  test("cannot be begun to use while they are erased: the claim waits, and then holds", async () => {
    const { ledger, open, file } = await setup();
    await ledger.claimContent("c-a", t0);
    const order: string[] = [];
    const second = open();
    let claimed: Promise<void> = Promise.resolve();
    await ledger.dropContents(t0, 9, async () => {
      claimed = second.claimContent("c-a", t0 + hour).then(() => void order.push("claimed"));
      // Long enough a wait that a claim which did not wait would be first.
      await second.findFile(tenant, idFromUuid("file", "0192f0c8-0000-7000-8000-000000000001"));
      order.push("erased");
    });
    await claimed;
    expect(order).toEqual(["erased", "claimed"]);
    await ledger.createFile(file({ kind: "stored", key: "c-a" }));
  });

  test("that are gone cannot be used", async () => {
    const { ledger, file } = await setup();
    await expect(ledger.createFile(file({ kind: "stored", key: "c-gone" }))).rejects.toThrow(/23503/);
  });

  test("whose erasing fails are tried again, and keep no others from going", async () => {
    const { ledger, sweep } = await setup();
    await ledger.claimContent("c-a", t0);
    await ledger.claimContent("c-b", t0 + 1);
    const erased: string[] = [];
    const failing = ledger.dropContents(t0 + 1, 9, async (key) => {
      if (key === "c-a") throw new Error("no store");
      erased.push(key);
    });
    await expect(failing).rejects.toThrow("no store");
    expect(erased).toEqual(["c-b"]);
    expect(await sweep(t0 + 1)).toEqual(["c-a"]);
  });

  test("that take long to erase do not hold the leadership", async () => {
    const { ledger, open } = await setup();
    await ledger.claimContent("c-a", t0);
    const second = open();
    await ledger.dropContents(t0, 9, async () => {
      expect(await second.lead("dispatcher", "me", hour)).toMatchObject({ leads: true });
    });
  });

  test("are left alone by a dispatcher that does not lead any more", async () => {
    const { ledger, store, leaderEpoch, sweep } = await setup();
    const { id } = await store("c-a");
    await ledger.deleteFile(tenant, id, t0);
    expect(await sweep(t0 + 2 * hour, leaderEpoch - 1)).toEqual([]);
    expect(await ledger.findInput(tenant, id)).toBeDefined();
    expect(await sweep(t0 + 2 * hour)).toEqual(["c-a"]);
    expect(await ledger.findInput(tenant, id)).toBeUndefined();
  });
});

describe("files", () => {
  test("that are deleted are out of sight at once, for their own tenant only and once", async () => {
    const { ledger, store } = await setup();
    const { id } = await store("c-a");
    expect(await ledger.deleteFile(other, id, t0)).toBe(false);
    expect(await ledger.deleteFile(tenant, id, t0)).toBe(true);
    expect(await ledger.deleteFile(tenant, id, t0)).toBe(false);
    expect(await ledger.findFile(tenant, id)).toBeUndefined();
    expect(await ledger.listFiles(tenant, {}, { limit: 9, order: "asc" })).toEqual([]);
  });

  test("whose time is over are not listed, cannot be deleted, and their contents go", async () => {
    const { ledger, store, sweep } = await setup();
    const { id } = await store("c-a", { expiresAt: t0 + 2 * hour });
    const list = (liveAt: number) => ledger.listFiles(tenant, { liveAt }, { limit: 9, order: "asc" });
    expect(await list(t0 + 2 * hour - 1)).toHaveLength(1);
    expect(await list(t0 + 2 * hour)).toEqual([]);
    expect(await ledger.deleteFile(tenant, id, t0 + 2 * hour)).toBe(false);
    expect(await sweep(t0 + 2 * hour - 1)).toEqual([]);
    expect(await sweep(t0 + 2 * hour)).toEqual(["c-a"]);
    expect(await ledger.findFile(tenant, id)).toBeUndefined();
  });

  test("that a batch has still to validate stay until that is over", async () => {
    const { ledger, store, sweep, batch, newIds } = await setup();
    const input = await store("c-input");
    const spec = batch({ inputFileId: input.id });
    await ledger.createBatch(spec);
    await ledger.deleteFile(tenant, input.id, t0);
    expect(await sweep(t0 + 2 * hour)).toEqual([]);
    expect(await ledger.findInput(tenant, input.id)).toEqual(input);
    await ledger.cancelBatch(tenant, spec.id, t0, newIds, lineBytesOf);
    expect(await sweep(t0 + 2 * hour)).toEqual(["c-input"]);
  });

  test("of batches can be deleted, each side for itself", async () => {
    const { ledger, sql, batch } = await setup();
    const spec = batch({});
    await ledger.createBatch(spec);
    await sql`
      INSERT INTO batch_counts SELECT ${spec.id.slice(6)}::uuid, 1, 1, 0, 0, 0, 0, 0, 0, 0, 70, 30, 0`;
    expect(await ledger.deleteFile(other, spec.outputFileId, t0)).toBe(false);
    expect(await ledger.deleteFile(tenant, spec.outputFileId, t0)).toBe(true);
    expect(await ledger.deleteFile(tenant, spec.outputFileId, t0)).toBe(false);
    expect(await ledger.findFile(tenant, spec.outputFileId)).toBeUndefined();
    const left = await ledger.listFiles(tenant, {}, { limit: 9, order: "asc" });
    expect(left).toMatchObject([{ id: spec.errorFileId, bytes: 30 }]);
  });
});
