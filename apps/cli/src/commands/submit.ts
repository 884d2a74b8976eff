import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text as textOf } from "node:stream/consumers";
import type { ApiClient } from "../api/api-client.ts";
import { connectApi } from "../api/find-api.ts";
import type { BatchView } from "../api/views.ts";
import { type CliContext, CliError, sentenceOf } from "../context.ts";
import { startBatch } from "../run/run-batch.ts";
import { isBatchId } from "./ids.ts";
import { type LinesFlags, submitLines } from "./submit-lines.ts";
import { watchBatch, watchJob } from "./watch.ts";
import { type StopFlags, stopsOf, tagsOf } from "./wishes.ts";

/** The flags of `submit`. */
export interface SubmitFlags extends LinesFlags, StopFlags {
  readonly model?: string | undefined;
  readonly maxTokens?: string | undefined;
  readonly file?: string | undefined;
  readonly wait?: boolean | undefined;
  readonly resumeFrom?: string | undefined;
}

const usualModel = "auto";

/** `submit`: a prompt, a job's JSON, or a batch file. Answers the exit code. */
export async function submit(
  context: CliContext,
  what: string | undefined,
  flags: SubmitFlags,
): Promise<number> {
  if ([what, flags.file, flags.lines].filter((thing) => thing !== undefined).length !== 1) {
    throw new CliError(
      "Name one thing to submit: a prompt, a file that ends in .jsonl, --file job.json, or --lines jobs.ndjson.",
      2,
    );
  }
  if (what !== undefined && isBatchFile(what, flags))
    return submitBatch(context, resolve(context.callerDir, what), flags);
  if (Object.keys(stopsOf(flags)).length > 0)
    throw new CliError("--max-spend and --stop-on-error-rate are for batch files.", 2);
  if (flags.resumeFrom !== undefined) throw new CliError("--resume-from is for batch files.", 2);
  if (flags.lines !== undefined) return submitLines(context, flags.lines, flags);
  if (flags.idempotencyKey !== undefined) throw new CliError("--idempotency-key is for --lines.", 2);
  return submitJob(context, connectApi(context), await readJobBody(context, what, flags), flags);
}

/** The body of `POST /v1/jobs` that a prompt or `--file` stands for. Throws {@link CliError} (exit code 2). */
export async function readJobBody(
  context: CliContext,
  prompt: string | undefined,
  flags: SubmitFlags,
): Promise<string | Buffer> {
  return prompt === undefined
    ? readJobFile(context, flags.file ?? "")
    : JSON.stringify(promptJob(prompt, flags));
}

function isBatchFile(what: string, flags: SubmitFlags): boolean {
  return flags.model === undefined && what.endsWith(".jsonl");
}

async function submitBatch(context: CliContext, file: string, flags: SubmitFlags): Promise<number> {
  const api = connectApi(context);
  const batch = await startBatch(api, file, {
    completion_window: flags.deadline ?? "24h",
    ...tagsOf(flags),
    ...stopsOf(flags),
    ...(flags.resumeFrom === undefined ? {} : { resume_from: flags.resumeFrom }),
  });
  return showAccepted(context, api, batch, flags);
}

/** `retry BATCH`: a new batch of the lines that did not succeed. Answers the exit code. */
export async function retry(context: CliContext, id: string, flags: SubmitFlags): Promise<number> {
  if (!isBatchId(id))
    throw new CliError("Only a batch can be retried; jobs that died are redriven: sluice redrive.", 2);
  const api = connectApi(context);
  const batch = await api.createBatch({
    retry_of: id,
    ...(flags.deadline === undefined ? {} : { completion_window: flags.deadline }),
    ...tagsOf(flags),
    ...stopsOf(flags),
  });
  return showAccepted(context, api, batch, flags);
}

async function showAccepted(
  context: CliContext,
  api: ApiClient,
  batch: BatchView,
  flags: SubmitFlags,
): Promise<number> {
  if (flags.wait === true) {
    tell(context, `batch ${batch.id} is accepted`, flags);
    return watchBatch(context, api, batch.id, flags);
  }
  context.out.write(`${flags.json === true ? JSON.stringify(batch) : batch.id}\n`);
  return 0;
}

async function submitJob(
  context: CliContext,
  api: ApiClient,
  body: string | Buffer,
  flags: SubmitFlags,
): Promise<number> {
  const job = await api.submitJob(body);
  if (flags.wait === true) {
    tell(context, `job ${job.id} is accepted`, flags);
    return watchJob(context, api, job.id, flags);
  }
  context.out.write(flags.json === true ? `${JSON.stringify(job)}\n` : `${job.id}\n`);
  return 0;
}

/** Standard output is for the object when it is asked for as JSON. */
function tell({ out, err }: CliContext, line: string, { json }: SubmitFlags): void {
  (json === true ? err : out).write(`${line}\n`);
}

/** `-` is standard input. The bytes go up as they are. */
async function readJobFile(context: CliContext, file: string): Promise<string | Buffer> {
  if (file === "-") return textOf(process.stdin);
  return readFile(resolve(context.callerDir, file)).catch((error: unknown) => {
    throw new CliError(`${file} cannot be read: ${sentenceOf(error)}`, 2, error);
  });
}

function promptJob(prompt: string, flags: SubmitFlags): Record<string, unknown> {
  return {
    endpoint: "/v1/chat/completions",
    body: {
      model: flags.model ?? usualModel,
      messages: [{ role: "user", content: prompt }],
      ...(flags.maxTokens === undefined ? {} : { max_tokens: tokens(flags.maxTokens) }),
    },
    ...(flags.deadline === undefined ? {} : { deadline: flags.deadline }),
    ...tagsOf(flags),
  };
}

function tokens(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new CliError(`--max-tokens must be a whole number above 0, got "${text}".`, 2);
}
