import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { cutTo, openPieces } from "./open-content.ts";

async function stored(texts: readonly string[]) {
  const files = createMemoryFiles();
  const opened: string[] = [];
  const pieces = await Promise.all(
    texts.map(async (text) => {
      const { key, bytes } = await files.put(Buffer.from(text));
      return { key, bytes };
    }),
  );
  const open: typeof files.open = (key, range) => {
    opened.push(key);
    return files.open(key, range);
  };
  return { files: { open }, pieces, opened };
}

const texts = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 6 }));

test("any range of pieces, and of chunks, is that range of the whole", async () => {
  const range = fc.record({ start: fc.nat(30), end: fc.nat(30) }, { requiredKeys: ["start"] });
  await fc.assert(
    fc.asyncProperty(texts, range, async (given, wanted) => {
      const { files, pieces } = await stored(given);
      const { start, end = Number.POSITIVE_INFINITY } = wanted;
      const expected = start < end ? given.join("").slice(start, end) : "";
      expect((await buffer(openPieces(files, pieces, wanted))).toString()).toBe(expected);
      async function* chunks() {
        yield* given.map((text) => Buffer.from(text));
      }
      expect((await buffer(cutTo(chunks(), wanted))).toString()).toBe(expected);
    }),
  );
});

test("opens only the pieces that lie in the range", async () => {
  const { files, pieces, opened } = await stored(["aaa", "bbb", "ccc"]);
  expect((await buffer(openPieces(files, pieces, { start: 3, end: 6 }))).toString()).toBe("bbb");
  expect(opened).toEqual([pieces[1]?.key]);
  expect((await buffer(openPieces(files, pieces))).toString()).toBe("aaabbbccc");
});
