import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { type FileRecord, idFromUuid, type Upload, type UploadPart } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createCountingIds } from "../../../test/kit/fakes/records.ts";
import { sampleBatch, sampleUuid } from "../../../test/kit/samples.ts";
import { mostPartBytes } from "./file-rules.ts";
import { addPart, cancelUpload, checkTakesParts, completeUpload, uploadAt } from "./uploads.ts";

const hour = 3_600_000;

async function setup(texts: readonly string[] = [], changes: Partial<Upload> = {}) {
  const clock = createFakeClock();
  const files = createMemoryFiles();
  const parts: UploadPart[] = [];
  const claims: { key: string; until: number; wasThere: boolean }[] = [];
  const completed: { file: FileRecord; parts: readonly UploadPart[] }[] = [];
  const state = { takes: true, found: undefined as FileRecord | undefined };
  const ledger = {
    async claimContent(key: string, until: number) {
      claims.push({ key, until, wasThere: files.contents.has(key) });
    },
    async addPart(part: UploadPart) {
      if (state.takes) parts.push(part);
      return state.takes;
    },
    listParts: async () => parts,
    async completeUpload(_id: string, file: FileRecord, used: readonly UploadPart[]) {
      if (state.takes) completed.push({ file, parts: used });
      return state.takes;
    },
    cancelUpload: async () => state.takes,
    findFile: async () => state.found,
  };
  const ports = { ledger, files, ids: createCountingIds(), clock };
  const upload: Upload = {
    id: idFromUuid("upload", sampleUuid),
    tenantId: sampleBatch.tenantId,
    filename: "a.txt",
    purpose: "user_data",
    mimeType: "text/plain",
    bytes: texts.join("").length,
    createdAt: clock.now(),
    expiresAt: clock.now() + hour,
    fileLifeMs: undefined,
    status: "pending",
    fileId: undefined,
    partIds: [],
    ...changes,
  };
  for (const text of texts) await addPart(ports, upload, Readable.from([Buffer.from(text)]));
  const complete = (partIds: readonly string[], md5?: string) =>
    completeUpload(ports, { upload, partIds, md5 });
  return { ports, clock, files, parts, claims, completed, state, upload, complete };
}

describe("a part", () => {
  test("is claimed before it can be seen, for an hour", async () => {
    const { claims, parts, clock } = await setup(["abc"]);
    expect(claims).toEqual([{ key: parts[0]?.key, until: clock.now() + hour, wasThere: false }]);
    expect(parts).toMatchObject([{ bytes: 3 }]);
  });

  test("has at most the bytes of the whole", async () => {
    const { ports, upload } = await setup([], { bytes: 3 });
    const adding = addPart(ports, upload, Readable.from([Buffer.from("abcd")]));
    await expect(adding).rejects.toThrow("The file may be at most 3 bytes.");
  });

  test("has between one byte and 64 MiB", async () => {
    const { ports, upload } = await setup([], { bytes: 2 * mostPartBytes });
    await expect(addPart(ports, upload, Readable.from([]))).rejects.toMatchObject({
      code: "empty_file",
      param: "data",
    });
    const half = Buffer.alloc(mostPartBytes / 2);
    const tooMuch = Readable.from([half, half, Buffer.alloc(1)]);
    await expect(addPart(ports, upload, tooMuch)).rejects.toMatchObject({
      code: "payload_too_large",
      param: "data",
    });
  });

  test("of an upload that ended meanwhile is refused", async () => {
    const { ports, upload, state } = await setup([], { bytes: 1 });
    state.takes = false;
    const adding = addPart(ports, upload, Readable.from([Buffer.from("x")]));
    await expect(adding).rejects.toMatchObject({ code: "already_ended" });
  });

  test("is not begun to be read when the upload has twice its bytes, or its time is over", async () => {
    const { ports, upload, clock } = await setup(["abc", "abc"], { bytes: 3 });
    await expect(checkTakesParts(ports, upload)).rejects.toMatchObject({ code: "invalid_request" });
    await checkTakesParts(ports, { ...upload, bytes: 4 });
    await clock.advance(hour);
    await expect(checkTakesParts(ports, { ...upload, bytes: 4 })).rejects.toMatchObject({
      code: "already_ended",
    });
  });
});

describe("completing", () => {
  test("makes a file of the parts in the order given, whatever order they came in", async () => {
    const { complete, parts, completed, clock } = await setup(["456", "0123"], { fileLifeMs: hour });
    const [second, first] = parts;
    const file = await complete([first?.id ?? "", second?.id ?? ""]);
    expect(file).toMatchObject({
      bytes: 7,
      filename: "a.txt",
      purpose: "user_data",
      createdAt: clock.now(),
      expiresAt: clock.now() + hour,
      content: {
        kind: "pieces",
        pieces: [
          { key: first?.key, bytes: 4 },
          { key: second?.key, bytes: 3 },
        ],
      },
    });
    expect(completed).toEqual([{ file, parts: [first, second] }]);
  });

  test("of one part makes a file like any other", async () => {
    const { complete, parts } = await setup(["abc"]);
    const file = await complete([parts[0]?.id ?? ""]);
    expect(file?.content).toEqual({ kind: "stored", key: parts[0]?.key });
    expect(file?.expiresAt).toBeUndefined();
  });

  test("takes an MD5 in hexadecimal or base64, and refuses that of another order", async () => {
    const { complete, parts } = await setup(["ab", "cd"]);
    const ids = parts.map((part) => part.id);
    const md5 = (text: string, encoding: "hex" | "base64") => createHash("md5").update(text).digest(encoding);
    await complete(ids, md5("abcd", "hex").toUpperCase());
    await complete(ids, md5("abcd", "base64"));
    await expect(complete(ids, md5("cdab", "hex"))).rejects.toMatchObject({
      code: "checksum_mismatch",
      param: "md5",
    });
  });

  test("says which part is not one, and how many bytes are not as they were said", async () => {
    const { complete, parts, completed } = await setup(["ab", "cd"]);
    const [a, b] = parts.map((part) => part.id);
    await expect(complete([a ?? "", "part_x"])).rejects.toMatchObject({ param: "part_ids[1]" });
    await expect(complete([a ?? "", a ?? ""])).rejects.toMatchObject({ param: "part_ids[1]" });
    await expect(complete([b ?? ""])).rejects.toMatchObject({
      code: "bytes_mismatch",
      message: "The parts have 2 bytes together, the upload was to have 4.",
    });
    expect(completed).toEqual([]);
  });

  test("again with the same parts answers the same file, with others it is over", async () => {
    const { ports, upload, state, parts } = await setup(["ab"]);
    const partIds = parts.map((part) => part.id);
    const done: Upload = { ...upload, status: "completed", fileId: "file-1", partIds };
    const file = { ...upload, id: "file-1" } as unknown as FileRecord;
    state.found = file;
    expect(await completeUpload(ports, { upload: done, partIds, md5: undefined })).toBe(file);
    const others = completeUpload(ports, { upload: done, partIds: ["part_x"], md5: undefined });
    await expect(others).rejects.toMatchObject({ code: "already_ended" });
  });

  test("fails when the upload ended meanwhile", async () => {
    const { complete, parts, state } = await setup(["ab"]);
    state.takes = false;
    await expect(complete(parts.map((part) => part.id))).rejects.toMatchObject({ code: "already_ended" });
  });
});

describe("cancelling", () => {
  test("is done once and can be said again, of a pending upload only", async () => {
    const { ports, upload, clock } = await setup();
    const cancelled = await cancelUpload(ports, upload);
    expect(cancelled.status).toBe("cancelled");
    expect(await cancelUpload(ports, cancelled)).toBe(cancelled);
    const completed: Upload = { ...upload, status: "completed" };
    await expect(cancelUpload(ports, completed)).rejects.toThrow("The upload is completed.");
    await clock.advance(hour);
    expect(uploadAt(upload, clock.now()).status).toBe("expired");
    await expect(cancelUpload(ports, upload)).rejects.toThrow("The upload is expired.");
  });
});
