import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { FileMissing, type FileStore, FileTooLarge } from "@sluice/domain";
import { describe, expect, test } from "vitest";

export interface FileStoreUnderTest {
  readonly store: FileStore;
  /** How many objects the store holds in all, unfinished uploads included. */
  readonly count: () => Promise<number>;
}

const mebibyte = 1024 * 1024;
const unknownKey = createHash("sha256").update("never put").digest("hex");

async function textOf(stream: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** What every file store must do; `create` makes an empty one. */
export function fileStoreConformance(name: string, create: () => Promise<FileStoreUnderTest>): void {
  describe(`${name} keeps files`, () => {
    test("gives back the bytes of a buffer and of a stream, under their SHA-256", async () => {
      const { store } = await create();
      const bytes = Buffer.from([0, 255, 10, 13, 0]);
      const stored = await store.put(bytes);
      const streamed = await store.put(Readable.from([Buffer.from("one,"), Buffer.from("two")]));
      expect(stored).toMatchObject({ bytes: 5, sha256: createHash("sha256").update(bytes).digest("hex") });
      expect(await store.read(stored.key)).toEqual(bytes);
      expect(streamed.bytes).toBe(7);
      expect(await textOf(await store.open(streamed.key))).toBe("one,two");
    });

    test("keeps an empty file", async () => {
      const { store } = await create();
      const stored = await store.put(Readable.from([]));
      expect(stored.bytes).toBe(0);
      expect(await store.read(stored.key)).toHaveLength(0);
    });

    test("stores equal contents once, also when they are put at the same time", async () => {
      const { store, count } = await create();
      const puts = await Promise.all(
        Array.from({ length: 20 }, () => store.put(Readable.from([Buffer.from("same")]))),
      );
      expect(new Set(puts.map((put) => put.key)).size).toBe(1);
      expect(await store.read(puts[0]?.key ?? "")).toEqual(Buffer.from("same"));
      expect(await count()).toBe(1);
    });

    test.each([
      [{ start: 0, end: 4 }, "0123"],
      [{ start: 3, end: 5 }, "34"],
      [{ start: 7 }, "789"],
      [{ start: 8, end: 100 }, "89"],
      [{ start: 4, end: 4 }, ""],
      [{ start: 6, end: 2 }, ""],
      [{ start: 10 }, ""],
      [{ start: 50, end: 60 }, ""],
    ])("reads the half-open range %o", async (range, expected) => {
      const { store } = await create();
      const { key } = await store.put(Buffer.from("0123456789"));
      expect(await textOf(await store.open(key, range))).toBe(expected);
    });

    test("refuses a stream beyond the limit and keeps nothing of it", async () => {
      const { store, count } = await create();
      const source = Readable.from([Buffer.alloc(600), Buffer.alloc(600), Buffer.alloc(600)]);
      await expect(store.put(source, { maxBytes: 1000 })).rejects.toBeInstanceOf(FileTooLarge);
      expect(await count()).toBe(0);
      expect(source.destroyed).toBe(true);
      expect(await store.put(Buffer.alloc(1000), { maxBytes: 1000 })).toMatchObject({ bytes: 1000 });
    });

    test("keeps nothing of a stream that breaks off", async () => {
      const { store, count } = await create();
      const broken = new Readable({
        read() {
          this.push("half");
          this.destroy(new Error("the client went away"));
        },
      });
      await expect(store.put(broken)).rejects.toThrow("the client went away");
      expect(await count()).toBe(0);
    });

    test.each([unknownKey, "../../etc/passwd", "", `${"a".repeat(63)}/`, unknownKey.toUpperCase()])(
      "knows no file %j",
      async (key) => {
        const { store } = await create();
        await expect(store.read(key)).rejects.toBeInstanceOf(FileMissing);
        await expect(store.open(key)).rejects.toBeInstanceOf(FileMissing);
      },
    );

    test("forgets a deleted file, and deleting it again is no error", async () => {
      const { store } = await create();
      const { key } = await store.put(Buffer.from("gone soon"));
      await store.delete(key);
      await store.delete(key);
      await expect(store.read(key)).rejects.toBeInstanceOf(FileMissing);
    });

    test("claims a content before it can be seen, under a key of its own", async () => {
      const { store, count } = await create();
      const plain = await store.put(Buffer.from("shared"));
      const seen: unknown[] = [];
      const claim = async (key: string): Promise<void> => {
        seen.push(key, await store.read(key).catch((error: Error) => error.name));
      };
      const claimed = await store.put(Readable.from([Buffer.from("shared")]), { claim });
      expect(seen).toEqual([claimed.key, "FileMissing"]);
      expect(claimed).toMatchObject({ bytes: 6, sha256: plain.sha256 });
      expect(await count()).toBe(2);
      await store.delete(claimed.key);
      await expect(store.open(claimed.key)).rejects.toBeInstanceOf(FileMissing);
      expect(await store.read(plain.key)).toEqual(Buffer.from("shared"));
    });

    test.each([10, 12 * mebibyte])("keeps nothing of %i bytes when its claim fails", async (bytes) => {
      const { store, count } = await create();
      const claim = async (): Promise<void> => {
        throw new Error("no claim");
      };
      const content = Readable.from([Buffer.alloc(bytes)]);
      await expect(store.put(content, { claim })).rejects.toThrow("no claim");
      expect(await count()).toBe(0);
    });

    test("keeps nothing of a large stream that breaks off, and stores a large one once", async () => {
      const { store, count } = await create();
      const piece = Buffer.alloc(mebibyte + 7, "x");
      const pieces = (many: number) => Array.from({ length: many }, () => piece);
      async function* broken() {
        yield* pieces(8);
        throw new Error("the client went away");
      }
      await expect(store.put(Readable.from(broken()))).rejects.toThrow("the client went away");
      const source = Readable.from(pieces(8));
      await expect(store.put(source, { maxBytes: 7 * mebibyte })).rejects.toBeInstanceOf(FileTooLarge);
      expect(await count()).toBe(0);
      const whole = await store.put(Readable.from(pieces(8)));
      expect(await store.put(Buffer.concat(pieces(8)))).toEqual(whole);
      expect(await count()).toBe(1);
      expect((await store.read(whole.key)).equals(Buffer.concat(pieces(8)))).toBe(true);
      const end = await textOf(await store.open(whole.key, { start: whole.bytes - 3 }));
      expect(end).toBe("xxx");
    });

    test("leaves complete contents when it removes what was abandoned", async () => {
      const { store, count } = await create();
      await store.put(Buffer.from("kept"));
      expect(await store.removeAbandoned(Date.now() + 60_000)).toBe(0);
      expect(await count()).toBe(1);
    });

    test("holds a few chunks of a 64 MiB stream in memory, not the stream", async () => {
      const { store } = await create();
      const held = await largestHeld((content) => store.put(content));
      expect(held).toBeLessThan(12 * mebibyte);
    });
  });
}

/** The most bytes that stayed reachable while `put` took 64 chunks of 1 MiB. */
async function largestHeld(put: (content: Readable) => Promise<{ readonly bytes: number }>): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  async function* chunks() {
    for (let index = 0; index < 64; index += 1) {
      yield Buffer.alloc(mebibyte, index);
      collect();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
  }
  const { bytes } = await put(Readable.from(chunks(), { highWaterMark: 1 }));
  expect(bytes).toBe(64 * mebibyte);
  return most;
}
