import { seeded } from "../kit/seeded.ts";

/** Characters of each prompt: the issue's 1 KB. */
const promptCharacters = 1024;
/** Distinct requests that a load cycles through: enough that nothing upstream or below can cache one. */
const variants = 512;

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

function prompt(random: () => number): string {
  let text = "";
  while (text.length < promptCharacters) text += `${Math.floor(random() * 2 ** 32).toString(36)} `;
  return text.slice(0, promptCharacters);
}
