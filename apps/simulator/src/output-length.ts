import { drawNormal, type Random } from "./random.ts";

/** How long answers are: lognormal around `mean`, with `spread` as sigma. */
export interface LengthModel {
  readonly mean: number;
  readonly spread: number;
}

/** `length` says that the caller's bound cut the answer, `stop` that it ended by itself. */
export interface OutputLength {
  readonly tokens: number;
  readonly finishReason: "stop" | "length";
}

/** No answer is longer than this many times the mean, so that a run has no freak. */
const longestShare = 8;

/** Draws the length of one answer, at least one token, at most `bound`. */
export function drawOutputLength(random: Random, model: LengthModel, bound: number): OutputLength {
  const normal = drawNormal(random);
  const drawn = model.mean * Math.exp(model.spread * normal - model.spread ** 2 / 2);
  const wanted = Math.max(1, Math.min(Math.round(drawn), Math.round(model.mean * longestShare)));
  return wanted > bound
    ? { tokens: bound, finishReason: "length" }
    : { tokens: wanted, finishReason: "stop" };
}
