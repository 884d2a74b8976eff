import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CliError } from "../context.ts";
import { assertWritable, writeOutput } from "./write-output.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-out-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The text in pieces of three bytes: lines never end where pieces do. */
async function* stream(text: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 3) yield bytes.subarray(at, at + 3);
}

const good =
  '{"id":"1","custom_id":"ä-1","response":{"status_code":200,"body":{"n":12345678901234567890}},"error":null}';
const dead =
  '{"id":"2","custom_id":"b","response":null,"error":{"code":"attempts_exhausted","message":"All attempts failed."}}';
const refused =
  '{"id":"3","custom_id":"c","response":{"status_code":400,"body":{"error":{"message":"too long"}}},"error":null}';

test("writes one line per line of both files, bytes of results untouched", async () => {
  const path = join(folder, "out.jsonl");
  const written = await writeOutput(path, { output: stream(`${good}\n`), errors: stream(`${dead}\n`) });
  expect(readFileSync(path, "utf8")).toBe(`${good}\n${dead}\n`);
  expect(written).toMatchObject({ succeeded: 1, failed: 1 });
});

test("a line that the upstream refused gets an error beside its answer", async () => {
  const path = join(folder, "out.jsonl");
  const { reasons } = await writeOutput(path, {
    output: undefined,
    errors: stream(`${refused}\n${refused}\n${dead}\n`),
  });
  const [first = ""] = readFileSync(path, "utf8").split("\n");
  expect(JSON.parse(first)).toEqual({
    ...JSON.parse(refused),
    error: { code: "request_refused", message: "The upstream answered 400." },
  });
  expect(reasons).toEqual([
    { reason: "HTTP 400: too long", lines: 2, firstId: "c" },
    { reason: "attempts_exhausted: All attempts failed.", lines: 1, firstId: "b" },
  ]);
});

test("keeps what was there and leaves nothing beside it when reading breaks off", async () => {
  const path = join(folder, "out.jsonl");
  writeFileSync(path, "before");
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from(`${good}\n`);
    throw new Error("the connection was lost");
  }
  await expect(writeOutput(path, { output: broken(), errors: undefined })).rejects.toThrow(
    "connection was lost",
  );
  expect(readFileSync(path, "utf8")).toBe("before");
  expect(readdirSync(folder)).toEqual(["out.jsonl"]);
});

test("says that a path cannot be written before anything is run for it", async () => {
  await expect(assertWritable(join(folder, "none", "out.jsonl"))).rejects.toThrow(CliError);
  await assertWritable(join(folder, "out.jsonl"));
  expect(readdirSync(folder)).toEqual([]);
});
