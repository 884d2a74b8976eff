import { Readable } from "node:stream";
import { array, assert, asyncProperty, constantFrom, integer } from "fast-check";
import { describe, expect, test } from "vitest";
import { isBlank, type RawLine, splitLines } from "./split-lines.ts";

/** A stream of `text` in chunks of these sizes, the rest in one. */
function inChunks(text: Buffer, sizes: readonly number[]): Readable {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at < text.length) chunks.push(text.subarray(at, at + size));
    at += size;
  }
  if (at < text.length) chunks.push(text.subarray(at));
  return Readable.from(chunks);
}

async function linesOf(content: Readable, maxBytes = 1_000): Promise<RawLine[]> {
  const lines: RawLine[] = [];
  for await (const group of splitLines(content, maxBytes)) {
    expect(group.length).toBeGreaterThan(0);
    lines.push(...group);
  }
  return lines;
}

const textsOf = async (text: string, sizes: readonly number[] = [], maxBytes?: number) =>
  (await linesOf(inChunks(Buffer.from(text), sizes), maxBytes)).map(({ bytes, tooLong }) =>
    tooLong ? "too long" : bytes.toString(),
  );

describe("splitLines", () => {
  test.each([
    ["", []],
    ["\n", [""]],
    ["a", ["a"]],
    ["a\n", ["a"]],
    ["a\nb", ["a", "b"]],
    ["a\r\nb\r\n", ["a", "b"]],
    ["a\n\nb\n", ["a", "", "b"]],
    ["a\rb\n", ["a\rb"]],
    ["\r\n\r\n", ["", ""]],
    ["a\r", ["a"]],
    ["a\r\r\n", ["a\r"]],
  ])("splits %j", async (text, expected) => {
    expect(await textsOf(text)).toEqual(expected);
    expect(
      await textsOf(
        text,
        [...text].map(() => 1),
      ),
    ).toEqual(expected);
  });

  test("gives no more lines at once than are wanted, and all of them", async () => {
    const text = Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join("");
    const sizes: number[] = [];
    const lines: string[] = [];
    for await (const group of splitLines(inChunks(Buffer.from(text), [500]), 1_000, 32)) {
      sizes.push(group.length);
      lines.push(...group.map(({ bytes }) => `${bytes.toString()}\n`));
    }
    expect(lines.join("")).toBe(text);
    expect(Math.max(...sizes)).toBe(32);
  });

  test("splits as a whole text splits, wherever chunks begin, and numbers lines from 1", async () => {
    const piece = constantFrom("\n", "\r\n", "\r", "a", "é", "\u{1f600}", "xyz");
    await assert(
      asyncProperty(array(piece), array(integer({ min: 1, max: 5 })), async (pieces, sizes) => {
        const text = pieces.join("");
        const naive = text.split("\n").map((line) => line.replace(/\r$/, ""));
        if (text === "" || text.endsWith("\n")) naive.pop();
        const lines = await linesOf(inChunks(Buffer.from(text), sizes));
        expect(lines.map(({ bytes }) => bytes.toString())).toEqual(naive);
        expect(lines.map(({ number }) => number)).toEqual(naive.map((_, index) => index + 1));
      }),
    );
  });

  test("drops the bytes of a line that is too long, and goes on with the next", async () => {
    const long = "x".repeat(11);
    for (const sizes of [[], [3], [11], [12], new Array<number>(30).fill(1)]) {
      expect(await textsOf(`a\n${long}\n${long.slice(1)}\n${long}`, sizes, 10)).toEqual([
        "a",
        "too long",
        "x".repeat(10),
        "too long",
      ]);
    }
  });

  test("does not count a line's break against its length", async () => {
    for (const sizes of [[], [10], [11]]) {
      expect(await textsOf(`${"x".repeat(10)}\r\n${"x".repeat(11)}\r\n`, sizes, 10)).toEqual([
        "x".repeat(10),
        "too long",
      ]);
    }
  });

  test("closes the stream when its reader stops early", async () => {
    const content = inChunks(Buffer.from("a\nb\nc\n"), [2, 2]);
    for await (const group of splitLines(content, 10)) {
      expect(group).toHaveLength(1);
      break;
    }
    expect(content.destroyed).toBe(true);
  });

  test("passes an error of the stream on", async () => {
    async function* chunks() {
      yield Buffer.from("a\n");
      throw new Error("gone");
    }
    await expect(linesOf(Readable.from(chunks()))).rejects.toThrow("gone");
  });
});

test("a blank line holds spaces, tabs and returns only", () => {
  expect(["", " ", "\t \r"].every((text) => isBlank(Buffer.from(text)))).toBe(true);
  expect(["a", " . ", "\0", "\u{a0}", "\u{feff}"].some((text) => isBlank(Buffer.from(text)))).toBe(false);
});
