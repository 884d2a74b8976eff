import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "./random.ts";
import { createTextTape } from "./text-tape.ts";
import { loadTokenizer } from "./tokenizer.ts";

describe.each(["exact", "chars"] as const)("the text of the %s tokenizer", (name) => {
  test("has exactly as many tokens as were asked for, in one piece and in pieces", async () => {
    const countTokens = await loadTokenizer(name);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer(), (tokens, seed) => {
        const tape = createTextTape(7, name);
        const start = tape.pickStart(createRandom(seed));
        const text = tape.cut(start, tokens);
        expect(countTokens(text)).toBe(tokens);
        const pieces = tape.pieces(start, tokens);
        expect(pieces).toHaveLength(tokens);
        expect(pieces.join("")).toBe(text);
      }),
      { numRuns: 60 },
    );
  });

  test("is the same for the same seed, another for another, and needs no escape in JSON", () => {
    const cut = (seed: number): string => createTextTape(seed, name).cut(0, 9000);
    expect(cut(1)).toBe(cut(1));
    expect(cut(1)).not.toBe(cut(2));
    expect(JSON.stringify(cut(3))).toBe(`"${cut(3)}"`);
  });
});
