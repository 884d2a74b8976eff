import type { TokenizerName } from "./options.ts";

/** Counts the tokens of a text. */
export type CountTokens = (text: string) => number;

/** Loads the encoding only when it is asked for: it costs 100 ms and tens of megabytes. */
export async function loadTokenizer(name: TokenizerName): Promise<CountTokens> {
  if (name === "chars") return countByBytes;
  const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
  // Text that spells a special token is plain text, as it is to the API.
  const options = { disallowedSpecial: new Set<string>() };
  return (text) => countTokens(text, options);
}

/** Four bytes a token, rounded up. */
function countByBytes(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}
