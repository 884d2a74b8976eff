import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { findTopLevelSpans } from "@sluice/contracts";
import type { ApiClient } from "../api/api-client.ts";
import { connectApi } from "../api/find-api.ts";
import { isMessageBatchId } from "../api/message-batch-view.ts";
import { isEndedBatch, isEndedJob, type JobView } from "../api/views.ts";
import { type CliContext, CliError, sentenceOf } from "../context.ts";
import { plural } from "../format.ts";
import { readFailedLine } from "../run/failed-line.ts";
import { invalidLines, openFiles } from "../run/run-batch.ts";
import { linesOf } from "../run/split-stream.ts";
import { writeOutput } from "../run/write-output.ts";
import { isBatchId } from "./ids.ts";

/** The flags of `results`. */
export interface ResultsFlags {
  readonly out?: string | undefined;
  readonly json?: boolean | undefined;
}

/** `results ID`: what a job answered, or a batch's lines. 1 when there is none yet, or not all lines succeeded. */
export async function results(context: CliContext, id: string, flags: ResultsFlags): Promise<number> {
  const isBatch = isBatchId(id);
  const api = connectApi(context);
  if (isMessageBatchId(id)) return messageResults(context, api, id, flags);
  return isBatch ? batchResults(context, api, id, flags) : jobResult(context, api, id, flags);
}

async function jobResult(
  context: CliContext,
  api: ApiClient,
  id: string,
  { out, json }: ResultsFlags,
): Promise<number> {
  const bytes = await api.readJob(id);
  const job = JSON.parse(bytes.toString("utf8")) as JobView;
  if (!isEndedJob(job))
    throw new CliError(`${id} has not ended: it is ${job.status}. Wait for it with: npx sluice watch ${id}`);
  if (job.result === undefined) throw new CliError(`${id} is ${job.status} and has no result${why(job)}.`);
  const answer = Buffer.concat([json === true ? bytes : resultBody(bytes), Buffer.from("\n")]);
  if (out === undefined) context.out.write(answer.toString("utf8"));
  else await save(resolve(context.callerDir, out), answer);
  return job.status === "succeeded" ? 0 : 1;
}

async function save(path: string, bytes: Buffer): Promise<void> {
  await writeFile(path, bytes).catch((error: unknown) => {
    throw new CliError(`${path} cannot be written: ${sentenceOf(error)}`, 1, error);
  });
}

/** The upstream's bytes as they stand in the answer: parsing and writing them again would change big numbers. */
function resultBody(job: Buffer): Buffer {
  const result = spanOf(job, "result");
  return spanOf(result, "body");
}

function spanOf(json: Buffer, key: string): Buffer {
  const span = findTopLevelSpans(json, [key])[key]?.[0];
  return span === undefined ? Buffer.from("null") : json.subarray(span.start, span.end);
}

function why({ error }: JobView): string {
  return error === undefined ? "" : `: ${error.message} (${error.code})`;
}

/** Lines as Anthropic has them, also those that did not succeed. */
async function messageResults(
  context: CliContext,
  api: ApiClient,
  id: string,
  { out, json }: ResultsFlags,
): Promise<number> {
  const { request_counts: counts } = await api.readBatch(id);
  const lines = await api.openMessageResults(id);
  const total = counts?.total ?? 0;
  const failed = total - (counts?.completed ?? 0);
  if (out === undefined) {
    for await (const line of linesOf(lines)) context.out.write(`${line}\n`);
  } else {
    const path = resolve(context.callerDir, out);
    await pipeline(lines, createWriteStream(path)).catch((error: unknown) => {
      throw new CliError(`${path} cannot be written: ${sentenceOf(error)}`, 1, error);
    });
    const told = `${plural(total, "line")} written to ${out}, ${failed} of them did not succeed`;
    context.out.write(`${json === true ? JSON.stringify({ succeeded: total - failed, failed }) : told}\n`);
  }
  return failed === 0 ? 0 : 1;
}

async function batchResults(
  context: CliContext,
  api: ApiClient,
  id: string,
  { out, json }: ResultsFlags,
): Promise<number> {
  const batch = await api.readBatch(id);
  if (batch.status === "failed")
    throw new CliError(`${id} was not valid:\n${invalidLines("input file", batch).join("\n")}`);
  const files = await openFiles(api, batch);
  if (!isEndedBatch(batch)) context.err.write(`${id} is ${batch.status}: these are its lines so far.\n`);
  if (out === undefined) {
    for await (const line of files.output === undefined ? [] : linesOf(files.output))
      context.out.write(`${line}\n`);
    for await (const line of files.errors === undefined ? [] : linesOf(files.errors))
      context.out.write(`${readFailedLine(line).bytes}\n`);
  } else {
    const written = await writeOutput(resolve(context.callerDir, out), files);
    const told =
      json === true
        ? JSON.stringify(written)
        : `${plural(written.succeeded + written.failed, "line")} written to ${out}, ${written.failed} of them failed`;
    context.out.write(`${told}\n`);
  }
  return batch.status === "completed" && (batch.request_counts?.failed ?? 0) === 0 ? 0 : 1;
}
