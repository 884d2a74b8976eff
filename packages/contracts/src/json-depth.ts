import { skipString } from "./json-spans.ts";

/** Deeper bodies are refused: code that walks a body recurses, and a sender must not choose how far. */
export const maxJsonDepth = 1000;

const quote = 0x22;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Whether the brackets of a valid JSON text in UTF-8 nest deeper than `levels`. */
export function nestsDeeperThan(bytes: Buffer, levels: number): boolean {
  let depth = 0;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === quote) {
      at = skipString(bytes, at);
      continue;
    }
    at += 1;
    if (byte === openBracket || byte === openBrace) depth += 1;
    else if (byte === closeBracket || byte === closeBrace) depth -= 1;
    if (depth > levels) return true;
  }
  return false;
}
