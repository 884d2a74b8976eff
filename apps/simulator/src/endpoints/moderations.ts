import type { ApiError } from "../api-error.ts";
import { emptyArray, invalidType, missing } from "./check-fields.ts";
import { countInputs, readInputs } from "./inputs.ts";
import type { Body, Plan, PlanTools } from "./plan.ts";

const categories = [
  "harassment",
  "harassment/threatening",
  "hate",
  "hate/threatening",
  "illicit",
  "illicit/violent",
  "self-harm",
  "self-harm/instructions",
  "self-harm/intent",
  "sexual",
  "sexual/minors",
  "violence",
  "violence/graphic",
] as const;

/** `POST /v1/moderations`: nothing is ever flagged; scores are small and drawn from the body. */
export function planModeration(body: Body, { countTokens, random }: PlanTools): Plan | ApiError {
  if (body["input"] === undefined) return missing("input");
  const inputs = readInputs(body["input"]);
  if (inputs === undefined) return invalidType("input", "a string or array of strings", body["input"]);
  if (inputs.length === 0) return emptyArray("input");
  const model = typeof body["model"] === "string" ? body["model"] : "omni-moderation-latest";
  const results = inputs.map(() => ({
    flagged: false,
    categories: Object.fromEntries(categories.map((name) => [name, false])),
    category_scores: Object.fromEntries(categories.map((name) => [name, Math.round(random() * 1e4) / 1e6])),
    category_applied_input_types: Object.fromEntries(categories.map((name) => [name, ["text"]])),
  }));
  return {
    kind: "plan",
    model,
    inputTokens: countInputs(inputs, countTokens),
    outputTokens: 0,
    finishReason: "stop",
    render: ({ suffix }) => JSON.stringify({ id: `modr-${suffix}`, model, results }),
    lastUserText: () => inputs.filter((input) => typeof input === "string").at(-1) ?? "",
  };
}
