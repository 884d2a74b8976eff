import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { LineHeaders } from "../api/api-client.ts";
import { connectApi } from "../api/find-api.ts";
import { type CliContext, CliError, sentenceOf } from "../context.ts";
import { plural } from "../format.ts";
import { type TagFlags, tagsOf } from "./wishes.ts";

/** The flags of `submit --lines`. */
export interface LinesFlags extends TagFlags {
  readonly lines?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly json?: boolean | undefined;
}

interface LineAnswer {
  readonly index: number;
  readonly id?: string;
  readonly error?: { readonly message: string; readonly code: string };
}

/** `submit --lines`: jobs, one per line; prints their ids in that order. 1 when a line was refused or not answered. */
export async function submitLines(context: CliContext, file: string, flags: LinesFlags): Promise<number> {
  const headers = headersOf(flags);
  const content = await openLines(context, file);
  const answers = await connectApi(context).submitLines(content, { headers, signal: context.signal });
  const tally = { accepted: 0, refused: 0 };
  const failure = await readLines(answers, (text) => {
    const answer = JSON.parse(text) as LineAnswer;
    if (answer.id === undefined) tally.refused += 1;
    else tally.accepted += 1;
    tell(context, flags, { answer, text });
  });
  const { accepted, refused } = tally;
  context.err.write(`${plural(accepted, "job")} accepted, ${plural(refused, "line")} refused\n`);
  if (failure === undefined) return refused === 0 ? 0 : 1;
  throw new CliError(
    `The answers broke off (${sentenceOf(failure)}). With an --idempotency-key the same lines can be sent again.`,
    1,
    failure,
  );
}

/** Answers what the stream broke off with, if it did. */
async function readLines(answers: Readable, onLine: (text: string) => void): Promise<unknown> {
  let failure: unknown;
  // readline ends at an error of its stream as at its end.
  answers.once("error", (error) => {
    failure = error;
  });
  for await (const text of createInterface({ input: answers })) if (text !== "") onLine(text);
  return failure;
}

function tell(
  { out, err }: CliContext,
  { json }: LinesFlags,
  { answer, text }: { answer: LineAnswer; text: string },
): void {
  if (json === true) out.write(`${text}\n`);
  else if (answer.id !== undefined) out.write(`${answer.id}\n`);
  else err.write(`line ${answer.index + 1}: ${answer.error?.message ?? ""} [${answer.error?.code ?? ""}]\n`);
}

/** What is said of all lines goes in headers. */
function headersOf(flags: LinesFlags): LineHeaders {
  const { sla, priority, webhook_url: webhookUrl, metadata } = tagsOf(flags);
  if (metadata !== undefined) throw new CliError("--metadata stands in each line, not beside --lines.", 2);
  return Object.fromEntries(
    Object.entries({
      "x-sluice-sla": sla,
      "x-sluice-priority": priority?.toString(),
      "x-sluice-webhook-url": webhookUrl,
      "x-sluice-deadline": flags.deadline,
      "idempotency-key": flags.idempotencyKey,
    }).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** `-` is standard input. */
async function openLines(context: CliContext, file: string): Promise<Readable> {
  if (file === "-") return process.stdin;
  const path = resolve(context.callerDir, file);
  const handle = await open(path).catch((error: unknown) => {
    throw new CliError(`${file} cannot be read: ${sentenceOf(error)}`, 2, error);
  });
  await handle.close();
  return createReadStream(path);
}
