import { toBuffer, topLevelMembers } from "../json-spans.ts";

/**
 * A JSON object without some of its keys and with others put in front; the members that stay keep their very bytes.
 * The text must be a valid JSON object. One that has none of the keys, and gets none, is answered as it is.
 */
export function editMembers(
  text: Uint8Array,
  {
    without,
    with: added = {},
  }: { readonly without: readonly string[]; readonly with?: Record<string, unknown> },
): Buffer {
  const bytes = toBuffer(text);
  const members = [...topLevelMembers(bytes)];
  const gone = new Set([...without, ...Object.keys(added)]);
  const kept = members.filter(({ key }) => !gone.has(key));
  const news = Object.entries(added).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  if (kept.length === members.length && news.length === 0) return bytes;
  const parts = [
    ...news.map((member) => Buffer.from(member)),
    ...kept.map(({ keyStart, end }) => bytes.subarray(keyStart, end)),
  ];
  const separated = parts.flatMap((part, index) => (index === 0 ? [part] : [comma, part]));
  return Buffer.concat([openBrace, ...separated, closeBrace]);
}

const comma = Buffer.from(",");
const openBrace = Buffer.from("{");
const closeBrace = Buffer.from("}");
