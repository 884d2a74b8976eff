import { SluiceError } from "@sluice/domain";
import { isJsonObject } from "./parse-json.ts";

/** What Sluice reads of a model request; everything else passes through untouched. */
export interface ModelRequest {
  readonly model: string;
  readonly maxOutputTokens: number | undefined;
  /** What the request needs of a target. */
  readonly capabilities: readonly string[];
}

/** Endpoints that jobs may name. */
export const knownEndpoints = [
  "/v1/chat/completions",
  "/v1/responses",
  "/v1/embeddings",
  "/v1/completions",
  "/v1/moderations",
  "/v1/messages",
] as const;

/** Reads a parsed request body. Throws with `param` below `path` when `model` is missing or the request streams. */
export function readModelRequest(body: Readonly<Record<string, unknown>>, path: string): ModelRequest {
  const { model } = body;
  const param = path === "" ? "model" : `${path}.model`;
  if (model === undefined)
    throw new SluiceError("missing_required_parameter", `Missing required parameter: '${param}'.`, { param });
  if (typeof model !== "string" || model === "") {
    throw new SluiceError("invalid_value", `'${param}' must be a non-empty string.`, { param });
  }
  if (body.stream === true) {
    const stream = path === "" ? "stream" : `${path}.stream`;
    throw new SluiceError(
      "invalid_value",
      `'${stream}' must not be true: a queued job is answered as a whole.`,
      { param: stream },
    );
  }
  return { model, maxOutputTokens: maxOutputTokens(body), capabilities: neededCapabilities(body) };
}

/** What the ledger's column holds; whether such a number makes sense is the upstream's to say. */
const mostTokens = 2_147_483_647;

function maxOutputTokens(body: Readonly<Record<string, unknown>>): number | undefined {
  for (const key of ["max_completion_tokens", "max_output_tokens", "max_tokens"]) {
    const value = body[key];
    if (typeof value === "number" && value >= 1) return Math.min(Math.floor(value), mostTokens);
  }
  return undefined;
}

function neededCapabilities(body: Readonly<Record<string, unknown>>): string[] {
  const needed: string[] = [];
  if (Array.isArray(body.tools) && body.tools.length > 0) needed.push("tools");
  if (asksForJsonSchema(body)) needed.push("json_schema");
  if (hasImages(body.messages) || hasImages(body.input)) needed.push("vision");
  return needed;
}

function asksForJsonSchema(body: Readonly<Record<string, unknown>>): boolean {
  const format = body.response_format;
  if (isJsonObject(format) && format.type === "json_schema") return true;
  return [body.text, body.output_config].some(
    (each) => isJsonObject(each) && isJsonObject(each.format) && each.format.type === "json_schema",
  );
}

/** Of chat completions, responses and messages. */
const imageTypes: ReadonlySet<unknown> = new Set(["image_url", "input_image", "image"]);

function hasImages(messages: unknown): boolean {
  if (!Array.isArray(messages)) return false;
  return messages.some((message) => {
    if (!isJsonObject(message) || !Array.isArray(message.content)) return false;
    return message.content.some((part) => isJsonObject(part) && imageTypes.has(part.type));
  });
}
