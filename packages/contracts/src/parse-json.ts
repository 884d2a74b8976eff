import { SluiceError } from "@sluice/domain";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses a request's bytes as JSON (RFC 8259: UTF-8, a leading BOM is ignored).
 * Throws `invalid_json` without repeating any of the content: it may be a prompt.
 */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new SluiceError("invalid_json", "The body is not valid UTF-8.");
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    const where = position === undefined ? "it ends too early" : `the fault is at character ${position}`;
    throw new SluiceError("invalid_json", `The body is not valid JSON: ${where}.`);
  }
}

/** Whether a parsed value is a JSON object. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
