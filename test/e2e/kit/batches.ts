import { readFileSync } from "node:fs";
import type OpenAI from "openai";
import type { Batch } from "openai/resources/batches";
import type { ApiCaller } from "./api-caller.ts";
import { until } from "./until.ts";

type Body = {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly max_tokens?: number;
};
/** One line of a batch file, and its body. */
export type Line = { custom_id: string; method: string; url: string; body: Body };

/** Path of the bundled file of real prompts. */
export const samplePath = new URL("../../../examples/sample.jsonl", import.meta.url);

const sample = readFileSync(samplePath, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Line);

/** Lines for a batch file: the bundled real prompts, each time it comes round with another question number. */
export function promptLines(count: number, { model, maxTokens = 40 }: { model: string; maxTokens?: number }) {
  return Array.from({ length: count }, (_, index): Line => {
    const prompt = sample[index % sample.length]?.body.messages[0]?.content ?? "";
    return batchLine(`line-${index}`, { model, content: `Question ${index}: ${prompt}`, maxTokens });
  });
}

/** One line of a batch file. */
export function batchLine(
  customId: string,
  { model, content, maxTokens = 40 }: { model: string; content: string; maxTokens?: number },
): Line {
  const body = { model, messages: [{ role: "user", content }], max_tokens: maxTokens };
  return { custom_id: customId, method: "POST", url: "/v1/chat/completions", body };
}

/** The text of a batch file with these lines. */
export function toJsonl(lines: readonly unknown[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Uploads a batch file and starts its batch. */
export async function startBatch(
  api: ApiCaller,
  content: string | Buffer<ArrayBuffer>,
  fields: object = {},
): Promise<string> {
  const answer = await api.post("/v1/batches", {
    input_file_id: await api.upload(content),
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    ...fields,
  });
  if (answer.status !== 200) throw new Error(`the batch was answered ${answer.status}: ${answer.text}`);
  return String(answer.body.id);
}

const ended = new Set(["completed", "failed", "expired", "cancelled"]);

/** Waits until a batch has ended, at most as long as {@link until} does. */
export async function untilEnded(openai: OpenAI, id: string, giveUpAfterMs?: number): Promise<Batch> {
  const read = async (): Promise<Batch | undefined> => {
    const batch = await openai.batches.retrieve(id);
    return ended.has(batch.status) ? batch : undefined;
  };
  return until(`batch ${id} ends`, read, giveUpAfterMs);
}

/** A line of an output or error file. */
export interface OutputLine {
  readonly custom_id: string;
  readonly response: {
    readonly status_code: number;
    // biome-ignore lint/suspicious/noExplicitAny: the upstream's own body.
    readonly body: any;
  } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The lines of a batch's output and error file. */
export async function readResults(openai: OpenAI, batch: Batch) {
  const read = async (id: string | null | undefined): Promise<OutputLine[]> => {
    if (id === null || id === undefined) return [];
    const text = await (await openai.files.content(id)).text();
    return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as OutputLine]));
  };
  return { output: await read(batch.output_file_id), errors: await read(batch.error_file_id) };
}
