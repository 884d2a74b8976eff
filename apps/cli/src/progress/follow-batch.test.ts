import { expect, test } from "vitest";
import type { BatchView } from "../api/views.ts";
import { batchJson } from "../fake-api.fixture.ts";
import { followBatch } from "./follow-batch.ts";
import { createTerminal } from "./terminal.ts";

/** Follows a batch that is seen with these counts, one look after the other, and then ended. */
async function follow(done: readonly number[], total: number): Promise<string> {
  let text = "";
  const looks = [...done];
  const next = (): BatchView => {
    const completed = looks.shift();
    const counts = { total, completed: completed ?? total, failed: 0 };
    const status = completed === undefined ? "completed" : "in_progress";
    return batchJson({ status, request_counts: counts }) as unknown as BatchView;
  };
  await followBatch({
    api: { readBatch: async () => next() },
    batchId: "batch_1",
    terminal: createTerminal({ isTTY: true, columns: 200, write: (more) => (text += more) }),
    signal: new AbortController().signal,
    lookMs: 1,
  });
  return text;
}

test("makes no prediction from the first few lines", async () => {
  expect(await follow([0, 1, 30], 4_338)).not.toMatch(/ETA \d/);
});

test("predicts once enough lines have ended", async () => {
  const text = await follow([0, 30, 60], 100);
  expect(text).toMatch(/30\/100.*ETA \d/);
});
