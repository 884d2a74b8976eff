import { SluiceError } from "@sluice/domain";
import { findTopLevelSpans } from "../json-spans.ts";
import { type ModelRequest, readModelRequest } from "../model-request.ts";
import { isJsonObject, parseJson } from "../parse-json.ts";

/** A request of a message batch: what is checked before the batch is accepted. */
export interface MessageBatchRequest {
  readonly customId: string;
  /** The bytes of `params` exactly as they stand in the body. */
  readonly params: Buffer;
}

type Fields = Readonly<Record<string, unknown>>;

const customIdPattern = /^[a-zA-Z0-9_-]{1,64}$/;

/** Reads the request at `index` of a body. Throws naming the field at fault, such as `requests.3.custom_id`. */
export function readMessageBatchRequest(bytes: Buffer, index: number): MessageBatchRequest {
  const path = `requests.${index}`;
  const { custom_id: customId, params, ...others } = parseRequest(bytes, path);
  if (customId === undefined) throw missing(`${path}.custom_id`);
  if (typeof customId !== "string" || !customIdPattern.test(customId))
    throw invalid(`${path}.custom_id`, "must be 1 to 64 of a-z, A-Z, 0-9, _ and -");
  if (params === undefined) throw missing(`${path}.params`);
  if (!isJsonObject(params)) throw invalid(`${path}.params`, "must be an object");
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    const param = `${path}.${unknown.slice(0, 64).toWellFormed()}`;
    throw new SluiceError("unknown_parameter", `Unknown parameter: '${param}'.`, { param });
  }
  checkParams(params, `${path}.params`);
  onlyBytes(bytes, "custom_id", path);
  const kept = onlyBytes(bytes, "params", path);
  onlyBytes(kept, "model", `${path}.params`);
  return { customId, params: kept };
}

function parseRequest(bytes: Buffer, path: string): Fields {
  try {
    const value = parseJson(bytes);
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw new SluiceError(error.code, error.message.replace("The body", `'${path}'`), { param: path });
  }
  throw invalid(path, "must be an object");
}

/** What Anthropic refuses at once; everything else in `params` is judged when the request runs. */
function checkParams({ stream, max_tokens: maxTokens, speed }: Fields, path: string): void {
  if (stream === true) throw invalid(`${path}.stream`, "must not be true: a batch has whole answers");
  if (maxTokens === 0) throw invalid(`${path}.max_tokens`, "must not be 0 in a batch");
  if (speed !== undefined && speed !== null) throw invalid(`${path}.speed`, "has no meaning in a batch");
}

/** Parsers differ in which of two equal keys they take, and these decide what is run and who is paid. */
function onlyBytes(bytes: Buffer, key: string, path: string): Buffer {
  const [span, second] = findTopLevelSpans(bytes, [key])[key] ?? [];
  if (second === undefined) return span === undefined ? bytes : bytes.subarray(span.start, span.end);
  const param = `${path}.${key}`;
  throw new SluiceError("duplicate_key", `The key '${param}' stands more than once.`, { param });
}

function missing(param: string): SluiceError {
  return new SluiceError("missing_required_parameter", `Missing required parameter: '${param}'.`, { param });
}

function invalid(param: string, what: string): SluiceError {
  return new SluiceError("invalid_value", `'${param}' ${what}.`, { param });
}

const [lineFeed, verticalTab] = [0x0a, 0x0b];

/**
 * A request as a line of its batch's input, newline included. In valid JSON a line feed is only ever space between
 * tokens, and a vertical tab stands nowhere: one takes the place of the other, so that the bytes come back exactly.
 */
export function keepRequest({ customId, params }: MessageBatchRequest): Buffer {
  const head = `{"custom_id":${JSON.stringify(customId)},"params":`;
  return Buffer.concat([Buffer.from(head), swapped(params, lineFeed, verticalTab), Buffer.from("}\n")]);
}

/** A kept request as its batch runs it. */
export interface KeptRequest extends MessageBatchRequest {
  readonly parsed: Fields;
  /** What it asks for, or why it cannot run; `param` is a field of `params`. */
  readonly read:
    | { readonly ok: true; readonly request: ModelRequest }
    | { readonly ok: false; readonly error: SluiceError };
}

/** Reads a line that {@link keepRequest} has made. */
export function readKeptRequest(line: Buffer): KeptRequest {
  const bytes = swapped(line, verticalTab, lineFeed);
  const { custom_id: customId, params: parsed } = parseJson(bytes) as { custom_id: string; params: Fields };
  const params = onlyBytes(bytes, "params", "");
  return { customId, params, parsed, read: readParams(parsed) };
}

function readParams(params: Fields): KeptRequest["read"] {
  try {
    const request = readModelRequest(params, "");
    requireAnswerable(params);
    return { ok: true, request };
  } catch (error) {
    if (error instanceof SluiceError) return { ok: false, error };
    throw error;
  }
}

/** The fields that no model could do without. */
function requireAnswerable({ max_tokens: maxTokens, messages }: Fields): void {
  if (maxTokens === undefined) throw missing("max_tokens");
  if (typeof maxTokens !== "number" || !Number.isInteger(maxTokens) || maxTokens < 1)
    throw invalid("max_tokens", "must be a whole number above 0");
  if (messages === undefined) throw missing("messages");
  if (!Array.isArray(messages) || messages.length === 0)
    throw invalid("messages", "must be an array of at least one message");
}

function swapped(bytes: Buffer, from: number, to: number): Buffer {
  let at = bytes.indexOf(from);
  if (at === -1) return bytes;
  const copy = Buffer.from(bytes);
  for (; at !== -1; at = copy.indexOf(from, at)) copy[at] = to;
  return copy;
}
