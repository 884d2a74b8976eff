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

/** Reads the parsed body of a job. Throws with `param` below `path` when `model` is missing or the request streams. */
export function readModelRequest(body: Readonly<Record<string, unknown>>, path: string): ModelRequest {
  refuseStream(body, path, "a queued job is answered as a whole");
  return readModel(body, path);
}

/** A model request that is answered by itself. */
export interface ModelCallRequest extends ModelRequest {
  readonly streamed: boolean;
}

const streamingEndpoints: ReadonlySet<string> = new Set([
  "/v1/chat/completions",
  "/v1/responses",
  "/v1/messages",
]);

/** Reads the parsed body of a call to `endpoint`, which may ask for a stream. Throws as {@link readModelRequest} does. */
export function readModelCall(body: Readonly<Record<string, unknown>>, endpoint: string): ModelCallRequest {
  if (!streamingEndpoints.has(endpoint)) refuseStream(body, "", `${endpoint} is answered as a whole`);
  return { ...readModel(body, ""), streamed: body.stream === true };
}

function refuseStream(body: Readonly<Record<string, unknown>>, path: string, reason: string): void {
  if (body.stream !== true) return;
  const param = path === "" ? "stream" : `${path}.stream`;
  throw new SluiceError("invalid_value", `'${param}' must not be true: ${reason}.`, { param });
}

function readModel(body: Readonly<Record<string, unknown>>, path: string): ModelRequest {
  const { model } = body;
  const param = path === "" ? "model" : `${path}.model`;
  if (model === undefined)
    throw new SluiceError("missing_required_parameter", `Missing required parameter: '${param}'.`, { param });
  if (typeof model !== "string" || model === "") {
    throw new SluiceError("invalid_value", `'${param}' must be a non-empty string.`, { param });
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
  return messages.some(
    (message) => isJsonObject(message) && (holdsImage(message.content) || holdsImage(message.output)),
  );
}

/** Results of tools are parts with parts of their own. */
function holdsImage(parts: unknown): boolean {
  if (!Array.isArray(parts)) return false;
  return parts.some(
    (part) =>
      isImage(part) || (isJsonObject(part) && Array.isArray(part.content) && part.content.some(isImage)),
  );
}

function isImage(part: unknown): boolean {
  return isJsonObject(part) && imageTypes.has(part.type);
}
