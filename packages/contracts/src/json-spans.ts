/** Where a value stands: bytes from `start` up to, not including, `end`; no surrounding white space. */
export interface JsonSpan {
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Finds the values of top-level keys in a JSON text without parsing the values, so that their bytes can be taken or
 * replaced exactly: big numbers, escapes and duplicate keys survive. Keys written with escapes are found too; a key
 * that stands more than once has a span for each time. A text that is no object has no spans.
 *
 * Offsets count bytes of UTF-8, also when a string is given. The text must be valid JSON (a leading BOM is skipped):
 * for anything else the spans mean nothing, but the scan always ends.
 */
export function findTopLevelSpans<Key extends string>(
  text: string | Uint8Array,
  keys: readonly Key[],
): Record<Key, JsonSpan[]> {
  const wanted = new Map<string, JsonSpan[]>(keys.map((key) => [key, []]));
  for (const { key, start, end } of topLevelMembers(toBuffer(text))) wanted.get(key)?.push({ start, end });
  return Object.fromEntries(wanted) as Record<Key, JsonSpan[]>;
}

/** A key of a JSON object with its value, and where both stand. */
interface JsonMember extends JsonSpan {
  readonly key: string;
  /** Where the key's quotes open. */
  readonly keyStart: number;
}

/** The keys of a JSON object in their order; see {@link findTopLevelSpans}. */
export function* topLevelMembers(bytes: Buffer): Generator<JsonMember> {
  let at = skipSpace(bytes, bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
  if (bytes[at] !== openBrace) return;
  at = skipSpace(bytes, at + 1);
  while (bytes[at] === quote) {
    const keyStart = at;
    const keyEnd = skipString(bytes, at);
    const key = readKey(bytes, at, keyEnd);
    at = skipSpace(bytes, keyEnd);
    if (bytes[at] !== colon) return;
    const start = skipSpace(bytes, at + 1);
    const end = skipValue(bytes, start);
    yield { key, keyStart, start, end };
    at = skipSpace(bytes, end);
    if (bytes[at] !== comma) return;
    at = skipSpace(bytes, at + 1);
  }
}

export function toBuffer(text: string | Uint8Array): Buffer {
  if (typeof text === "string") return Buffer.from(text);
  return Buffer.isBuffer(text) ? text : Buffer.from(text.buffer, text.byteOffset, text.byteLength);
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** `from` is the opening quote; answers the place after the closing one. */
export function skipString(bytes: Buffer, from: number): number {
  let at = from + 1;
  for (;;) {
    const end = bytes.indexOf(quote, at);
    if (end < 0) return bytes.length;
    let escapes = 0;
    while (end - 1 - escapes > from && bytes[end - 1 - escapes] === backslash) escapes += 1;
    if (escapes % 2 === 0) return end + 1;
    at = end + 1;
  }
}

function readKey(bytes: Buffer, start: number, end: number): string {
  const raw = bytes.toString("utf8", start + 1, end - 1);
  if (!raw.includes("\\")) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}

function skipValue(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === quote) return skipString(bytes, from);
  if (first === openBrace || first === openBracket) return skipNested(bytes, from);
  let at = from;
  while (at < bytes.length && !endsScalar(bytes[at])) at += 1;
  return at;
}

function endsScalar(byte: number | undefined): boolean {
  return byte === comma || byte === closeBrace || byte === closeBracket || isSpace(byte);
}

/** Counts brackets instead of recursing: depth is the sender's choice. */
function skipNested(bytes: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === quote) {
      at = skipString(bytes, at);
      continue;
    }
    at += 1;
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return at;
}
