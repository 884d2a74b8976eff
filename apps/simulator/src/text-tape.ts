import type { TokenizerName } from "./options.ts";
import { createRandom, type Random } from "./random.ts";
import { commonWords, openingWords, threeLetterWords } from "./words.ts";

/** Text of a known number of tokens, cut from one long seeded tape, so that an answer costs one slice. */
export interface TextTape {
  /** A place where an answer may begin. */
  pickStart(random: Random): number;
  /** `tokens` tokens of text from `start`. */
  cut(start: number, tokens: number): string;
  /** The same text, one piece for each token. */
  pieces(start: number, tokens: number): string[];
}

const tapeTokens = 8192;

/** Spins the tape of a seed: sentences for `exact`, words of four bytes for `chars`. */
export function createTextTape(seed: number, tokenizer: TokenizerName): TextTape {
  const random = createRandom(seed, 0x7a9e);
  const { pieces, starts } = tokenizer === "exact" ? spinSentences(random) : spinWords(random);
  const text = pieces.join("");
  const offsets = [0];
  for (const piece of pieces) offsets.push((offsets.at(-1) ?? 0) + piece.length);
  const between = (from: number, to: number): string => text.slice(offsets[from], offsets[to]);
  return {
    pickStart: (draw) => starts[Math.floor(draw() * starts.length)] ?? 0,
    cut(start, tokens) {
      // The first piece gives up its space: an answer does not begin with one.
      if (start + tokens <= pieces.length) return between(start, start + tokens).slice(1);
      let joined = between(start, pieces.length).slice(1);
      let missing = tokens - (pieces.length - start);
      for (; missing > pieces.length; missing -= pieces.length) joined += text;
      return joined + between(0, missing);
    },
    pieces(start, tokens) {
      const cut: string[] = [];
      for (let index = 0; index < tokens; index += 1) cut.push(pieces[(start + index) % pieces.length] ?? "");
      if (cut[0] !== undefined) cut[0] = cut[0].slice(1);
      return cut;
    },
  };
}

interface Spun {
  readonly pieces: string[];
  readonly starts: number[];
}

function spinSentences(random: Random): Spun {
  const pieces: string[] = [];
  const starts: number[] = [];
  while (pieces.length < tapeTokens) {
    starts.push(pieces.length);
    pieces.push(` ${pick(openingWords, random)}`);
    for (let words = 5 + Math.floor(random() * 10); words > 0; words -= 1)
      pieces.push(` ${pick(commonWords, random)}`);
    pieces.push(".");
  }
  return { pieces, starts };
}

function spinWords(random: Random): Spun {
  const pieces = Array.from({ length: tapeTokens }, () => ` ${pick(threeLetterWords, random)}`);
  return { pieces, starts: pieces.map((_, index) => index) };
}

function pick(words: readonly string[], random: Random): string {
  return words[Math.floor(random() * words.length)] ?? "the";
}
