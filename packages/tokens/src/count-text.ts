import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { guessTextTokens } from "./guess-text-tokens.ts";

/** Characters of a request that the tokenizer reads; it takes up to 2 ms for 2,048 of the most hostile ones. */
const mostRead = 4_096;

/** What the tokenizer may be off by from the guess on the same text, beyond which the guess of the rest is not scaled. */
const mostScale = 3;

// Text that spells a special token is plain text, as it is to a provider.
const asPlainText = { disallowedSpecial: new Set<string>() };

/** Counts the texts of one request. */
export interface TextCounter {
  /** Tokens of a text. */
  count(text: string): number;
}

/**
 * Counts with the tokenizer of o200k_base (gpt-tokenizer) as long as the request's first characters last; of what comes
 * after, tokens are guessed by the runs of its characters and scaled by how the guess did on what was read. Over 4,338
 * real prompts the result is the tokenizer's own; when only 512 characters of each are read, single prompts are at 0.98
 * to 1.06 of it from the 1st to the 99th percentile. So any request costs a bounded time, however long it is.
 */
export function createTextCounter(): TextCounter {
  let left = mostRead;
  let [counted, guessed] = [0, 0];
  return {
    count(text) {
      const head = left >= text.length ? text : text.slice(0, left);
      left -= head.length;
      const tokens = head === "" ? 0 : countTokens(head, asPlainText);
      counted += tokens;
      guessed += guessTextTokens(head);
      if (head.length === text.length) return tokens;
      const scale = guessed === 0 ? 1 : Math.min(mostScale, Math.max(1 / mostScale, counted / guessed));
      return tokens + guessTextTokens(text.slice(head.length)) * scale;
    },
  };
}
