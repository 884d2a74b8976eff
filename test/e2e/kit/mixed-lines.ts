import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { seeded } from "../../kit/seeded.ts";
import { type Line, samplePath } from "./batches.ts";

/** What bounds the answer, as drawn; without a bound it is as long as the model likes. */
const answerBounds = [
  { max_tokens: 16 },
  { max_tokens: 64 },
  { max_tokens: 128 },
  { max_tokens: 256 },
  { max_tokens: 512 },
  {},
];

/** Lines of mixed lengths, the same for one seed: real prompts, each with one of six bounds of its answer. */
export function mixedLines(count: number, { model, seed = 1 }: { model: string; seed?: number }): Line[] {
  const draw = seeded(seed);
  const prompts = realPrompts();
  const oneOf = <T>(items: readonly T[]): T => items[Math.floor(draw() * items.length)] as T;
  return Array.from({ length: count }, (_, index) => {
    const messages = [{ role: "user", content: `Question ${index}: ${oneOf(prompts)}` }];
    const body = { model, messages, ...oneOf(answerBounds) };
    return { custom_id: `line-${index}`, method: "POST", url: "/v1/chat/completions", body };
  });
}

/** The prompts of SLUICE_SHARED_DIR where there are some, else the bundled ones. */
function realPrompts(): string[] {
  const shared = join(process.env["SLUICE_SHARED_DIR"] ?? "", "data", "batch_requests.jsonl");
  const lines = readFileSync(existsSync(shared) ? shared : samplePath, "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => (JSON.parse(line) as Line).body.messages[0]?.content ?? "");
}
