import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { createAnswerSpool } from "./answer-spool.ts";

function setup(memoryBytes: number) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-spool-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { folder, spool: createAnswerSpool(folder, memoryBytes) };
}

const lines = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `{"index":${from + index}}\n`);

test("takes everything before anybody reads, and gives it in order", async () => {
  const { folder, spool } = setup(100);
  const all = lines(20_000);
  for (const line of all) await spool.write(line);
  await spool.end();
  expect(spool.stream.readableLength).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
  expect(await text(spool.stream)).toBe(all.join(""));
});

test("keeps the order while it is read and written by turns, through memory and file", async () => {
  const { spool } = setup(64);
  const reader = spool.stream[Symbol.asyncIterator]();
  let taken = "";
  const take = async () => {
    taken += String((await reader.next()).value ?? "");
  };
  const all = lines(300);
  for (const [index, line] of all.entries()) {
    await spool.write(line);
    if (index % 7 === 6) await take();
  }
  await spool.end();
  while (taken.length < all.join("").length) await take();
  expect(taken).toBe(all.join(""));
  expect((await reader.next()).done).toBe(true);
});

test("gives what is written to a reader that waits for it", async () => {
  const { spool } = setup(1000);
  const reader = spool.stream[Symbol.asyncIterator]();
  const first = reader.next();
  await spool.write("a\n");
  expect(String((await first).value)).toBe("a\n");
});

test("ends with an error when its file cannot be made, and takes writes all the same", async () => {
  const spool = createAnswerSpool(join(tmpdir(), "sluice-there-is-no-such-folder"), 1);
  const failed = new Promise((resolve) => spool.stream.once("error", resolve));
  await spool.write("two");
  expect(await failed).toMatchObject({ code: "ENOENT" });
  await spool.write("more");
  await spool.end();
});
