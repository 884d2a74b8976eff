import { createWriteStream, openAsBlob } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { costPerJob, type Measures, snapshot } from "../measure/snapshot.ts";
import { batchLines } from "../prompts.ts";
import { type PhaseContext, until } from "./phase.ts";

/** Writes a batch's input file. */
export async function writeBatchFile(path: string, lines: number, seed: number): Promise<void> {
  await pipeline(Readable.from(batchLines(lines, seed)), createWriteStream(path));
}

/** Uploads a file and creates a batch of it: jobs per second until all lines are valid and durable (`in_progress`). */
export async function measureBatchFile({ system, sizes }: PhaseContext, path: string): Promise<Measures> {
  const before = await snapshot(system);
  const startedAt = performance.now();
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", await openAsBlob(path), "bench.jsonl");
  const file = await call(system, "/v1/files", { method: "POST", body: form });
  const uploadedMs = performance.now() - startedAt;
  const order = { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" };
  const json = { "content-type": "application/json" };
  const batch = await call(system, "/v1/batches", {
    method: "POST",
    headers: json,
    body: JSON.stringify(order),
  });
  let status = "validating";
  await until(async () => {
    ({ status = "" } = await call(system, `/v1/batches/${batch.id}`));
    return status !== "validating";
  });
  if (status !== "in_progress") throw new Error(`the batch is ${status} and not in_progress`);
  const elapsedMs = performance.now() - startedAt;
  return {
    "batch.perSecond": (sizes.batchLines / elapsedMs) * 1000,
    "batch.uploadMs": uploadedMs,
    ...costPerJob("batch", before, await snapshot(system), sizes.batchLines),
  };
}

async function call(
  { url, headers }: PhaseContext["system"],
  path: string,
  init: RequestInit = {},
): Promise<{ readonly id: string; readonly status?: string }> {
  const answer = await fetch(new URL(path, url), { ...init, headers: { ...headers, ...init.headers } });
  if (!answer.ok)
    throw new Error(`${path} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  return (await answer.json()) as { id: string; status?: string };
}
