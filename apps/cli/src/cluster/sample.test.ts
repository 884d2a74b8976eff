import { readFileSync } from "node:fs";
import { readBatchLine } from "@sluice/contracts";
import { expect, test } from "vitest";
import { repositoryFile } from "./load-settings.ts";

test("every line of the bundled sample is a valid batch line, and five sources are mixed fairly", () => {
  const bytes = readFileSync(repositoryFile("examples", "sample.jsonl"));
  expect(bytes.length).toBeLessThan(100_000);
  const lines = bytes.toString("utf8").trimEnd().split("\n");
  const ids = lines.map((line) => {
    const read = readBatchLine(Buffer.from(line), "/v1/chat/completions");
    if (!read.ok) throw new Error(read.error.message);
    return read.line.customId;
  });
  expect(new Set(ids).size).toBe(lines.length);
  const bySource = Map.groupBy(ids, (id) => id.split("-")[0]);
  expect([...bySource].map(([source, of]) => [source, of.length]).sort()).toEqual([
    ["arenahard", 24],
    ["bbh", 24],
    ["gsm8k", 24],
    ["humaneval", 24],
    ["seed", 24],
  ]);
});
