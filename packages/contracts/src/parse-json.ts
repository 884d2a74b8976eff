import { SluiceError } from "@sluice/domain";
import { maxJsonDepth, nestsDeeperThan } from "./json-depth.ts";
import { toBuffer } from "./json-spans.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses a request's bytes as JSON (RFC 8259: UTF-8, a leading BOM is ignored), at most {@link maxJsonDepth} levels deep.
 * Throws `invalid_json` without repeating any of the content: it may be a prompt.
 */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new SluiceError("invalid_json", "The body is not valid UTF-8.");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SluiceError("invalid_json", `The body is not valid JSON: ${faultOf(error)}.`);
  }
  if (nestsDeeperThan(toBuffer(bytes), maxJsonDepth)) {
    throw new SluiceError("invalid_json", `The body nests more than ${maxJsonDepth} levels deep.`);
  }
  return value;
}

/** V8 quotes the text in its messages: only the place is taken over, and only from where no text can stand. */
function faultOf(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  const position = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1];
  if (position !== undefined) return `the fault is at character ${position}`;
  return message === "Unexpected end of JSON input"
    ? "it ends too early"
    : "it holds an unexpected character";
}

/** Whether a parsed value is a JSON object. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
