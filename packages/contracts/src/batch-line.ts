import type { BatchLineError } from "@sluice/domain";
import { SluiceError } from "@sluice/domain";
import { findTopLevelSpans } from "./json-spans.ts";
import { type ModelRequest, readModelRequest } from "./model-request.ts";
import { isJsonObject, parseJson } from "./parse-json.ts";
import { isStorable, notStorable } from "./storable-text.ts";

/** A valid line of a batch's input file. */
export interface BatchInputLine {
  readonly customId: string;
  /** The bytes of `body` exactly as they stand in the line. */
  readonly body: Buffer;
  readonly parsedBody: Readonly<Record<string, unknown>>;
  readonly request: ModelRequest;
}

export type ReadLine =
  | { readonly ok: true; readonly line: BatchInputLine }
  | { readonly ok: false; readonly error: Omit<BatchLineError, "line"> };

/** Reads one line of a batch file whose batch is for `endpoint`. Never throws; messages hold no content of the line. */
export function readBatchLine(bytes: Buffer, endpoint: string): ReadLine {
  try {
    return { ok: true, line: parseLine(bytes, endpoint) };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const { code, param } = error;
    return { ok: false, error: { code, message: error.message.replace("The body", "This line"), param } };
  }
}

function parseLine(bytes: Buffer, endpoint: string): BatchInputLine {
  const value = parseJson(bytes);
  if (!isJsonObject(value)) throw new SluiceError("invalid_json", "This line is not a JSON object.");
  const customId = stringField(value, "custom_id", 512);
  const method = stringField(value, "method", 16);
  if (method !== "POST")
    throw new SluiceError("invalid_value", "'method' must be POST.", { param: "method" });
  const url = stringField(value, "url", 128);
  if (url !== endpoint) {
    throw new SluiceError("invalid_value", `'url' must be the batch's endpoint, ${endpoint}.`, {
      param: "url",
    });
  }
  const { body: parsedBody } = value;
  if (parsedBody === undefined) throw missing("body");
  if (!isJsonObject(parsedBody))
    throw new SluiceError("invalid_value", "'body' must be an object.", { param: "body" });
  return { customId, body: bodyBytes(bytes), parsedBody, request: readModelRequest(parsedBody, "body") };
}

/**
 * The exact bytes of the value of the one top-level key `body`. Throws `duplicate_key` when it is there twice, or
 * when the `model` in it is: parsers differ in which of two they take, and here they decide who is paid.
 */
export function bodyBytes(bytes: Buffer): Buffer {
  const body = onlyValue(bytes, "body", "body");
  if (body === undefined) throw missing("body");
  onlyValue(body, "model", "body.model");
  return body;
}

function onlyValue(bytes: Buffer, key: string, param: string): Buffer | undefined {
  const [span, second] = findTopLevelSpans(bytes, [key])[key] ?? [];
  if (second !== undefined)
    throw new SluiceError("duplicate_key", `The key '${param}' stands more than once.`, { param });
  return span && bytes.subarray(span.start, span.end);
}

function stringField(value: Readonly<Record<string, unknown>>, key: string, maxLength: number): string {
  const field = value[key];
  if (field === undefined) throw missing(key);
  if (typeof field !== "string" || field === "" || field.length > maxLength) {
    throw new SluiceError("invalid_value", `'${key}' must be a string of 1 to ${maxLength} characters.`, {
      param: key,
    });
  }
  if (!isStorable(field)) throw new SluiceError("invalid_value", `'${key}' ${notStorable}.`, { param: key });
  return field;
}

function missing(param: string): SluiceError {
  return new SluiceError("missing_required_parameter", `Missing required parameter: '${param}'.`, { param });
}
