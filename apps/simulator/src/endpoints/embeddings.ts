import { hash } from "node:crypto";
import { type ApiError, apiError } from "../api-error.ts";
import { createRandom } from "../random.ts";
import { checkFields, checkModel, emptyArray, invalidType, missing, readNumber } from "./check-fields.ts";
import { countInputs, type Inputs, readInputs } from "./inputs.ts";
import type { Body, Plan, PlanTools } from "./plan.ts";

const maxInputs = 2048;
const maxDimensions = 8192;

/** `POST /v1/embeddings`: unit vectors that are a pure function of seed and text. */
export function planEmbeddings(body: Body, tools: PlanTools): Plan | ApiError {
  const inputs = readInputs(body["input"]);
  const wrong = checkModel(body) ?? checkInput(body["input"], inputs) ?? checkSettings(body);
  if (wrong !== undefined || inputs === undefined) return wrong ?? missing("input");
  const model = body["model"] as string;
  const { seed, embeddingDimensions } = tools.options;
  const dimensions = readNumber(body, "dimensions", embeddingDimensions);
  const write = body["encoding_format"] === "base64" ? writeBase64 : JSON.stringify;
  const inputTokens = countInputs(inputs, tools.countTokens);
  return {
    kind: "plan",
    model,
    inputTokens,
    outputTokens: 0,
    finishReason: "stop",
    render: () => {
      const data = inputs.map(
        (input, index) =>
          `{"object":"embedding","index":${index},"embedding":${write(embed(seed, input, dimensions))}}`,
      );
      const usage = `{"prompt_tokens":${inputTokens},"total_tokens":${inputTokens}}`;
      return `{"object":"list","data":[${data.join(",")}],"model":${JSON.stringify(model)},"usage":${usage}}`;
    },
    lastUserText: () => inputs.filter((input) => typeof input === "string").at(-1) ?? "",
  };
}

function checkInput(value: unknown, inputs: Inputs | undefined): ApiError | undefined {
  if (value === undefined) return missing("input");
  if (inputs === undefined) return invalidType("input", "a string or array", value);
  if (inputs.length === 0) return emptyArray("input");
  if (inputs.some((input) => input.length === 0))
    return apiError(400, "'input' cannot be an empty string.", { param: "input" });
  if (inputs.length <= maxInputs) return undefined;
  const message = `Invalid 'input': array too long. Expected an array with maximum length ${maxInputs}.`;
  return apiError(400, message, { param: "input", code: "array_above_max_length" });
}

function checkSettings(body: Body): ApiError | undefined {
  const format = body["encoding_format"];
  if (format !== undefined && format !== "float" && format !== "base64") {
    const message = "Invalid value for 'encoding_format'. Supported values are: 'float' and 'base64'.";
    return apiError(400, message, { param: "encoding_format", code: "invalid_value" });
  }
  return checkFields(body, [{ name: "dimensions", type: "integer", min: 1, max: maxDimensions }]);
}

function embed(seed: number, input: string | readonly number[], dimensions: number): number[] {
  const digest = hash("sha256", typeof input === "string" ? input : input.join(" "));
  const random = createRandom(
    seed,
    Number.parseInt(digest.slice(0, 8), 16),
    Number.parseInt(digest.slice(8, 16), 16),
  );
  const vector = Array.from({ length: dimensions }, () => random() * 2 - 1);
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)) || 1;
  // Seven decimals are what a 32-bit float holds, and keep the JSON short.
  return vector.map((value) => Math.round((value / length) * 1e7) / 1e7);
}

function writeBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return `"${bytes.toString("base64")}"`;
}
