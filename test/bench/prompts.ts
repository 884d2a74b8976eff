import { readFileSync } from "node:fs";
import { seeded } from "../kit/seeded.ts";

/** Characters of each prompt: the issue's 1 KB. */
const promptCharacters = 1024;
/** Distinct requests that a load cycles through: enough that nothing upstream or below can cache one. */
const variants = 512;

const corpus = readFileSync(new URL("../../examples/sample.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map(
    (line) => (JSON.parse(line) as { body: { messages: { content: string }[] } }).body.messages[0]?.content,
  )
  .join("\n");

/** The model alias that both systems serve. */
export const benchModel = "bench";
/** One with a limit that is soon full. */
export const limitedModel = "limited";

/** Bodies of `POST /v1/jobs`, each with a 1 KB prompt and one of ten priorities; the baseline takes the same bytes. */
export function jobBodies(seed: number, model = benchModel): string[] {
  const random = seeded(seed);
  return Array.from({ length: variants }, (_, index) =>
    JSON.stringify({
      endpoint: "/v1/chat/completions",
      priority: index % 10,
      body: modelRequest(prompt(random), model),
    }),
  );
}

/** Lines of a batch file in OpenAI's format, with the same prompts; each ends in a newline. */
export function* batchLines(count: number, seed: number): Generator<string> {
  const random = seeded(seed);
  for (let line = 0; line < count; line += 1) {
    const body = modelRequest(prompt(random));
    yield `${JSON.stringify({ custom_id: `line-${line}`, method: "POST", url: "/v1/chat/completions", body })}\n`;
  }
}

function modelRequest(content: string, model = benchModel) {
  return { model, messages: [{ role: "user", content }] };
}

/** A piece of the bundled real prompts, each behind a number of its own: what tokenizers see of text, and no two alike. */
function prompt(random: () => number): string {
  const from = Math.floor(random() * (corpus.length - promptCharacters));
  return `${Math.floor(random() * 2 ** 32)} ${corpus.slice(from)}`.slice(0, promptCharacters);
}
