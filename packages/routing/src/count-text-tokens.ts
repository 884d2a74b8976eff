const letter = 1;
const digit = 2;
const space = 3;
const mark = 4;
const script = 5;
const ideograph = 6;

/** From here on one character is about one word: CJK, kana, hangul, emoji. */
const firstIdeograph = 0x2e80;

/** Tokens that a character of a script outside ASCII adds. */
const perScriptCharacter = 0.35;
const perIdeograph = 0.7;
const perLineBreak = 0.9;
const perIndent = 0.5;
/** Marks after the first of a run often merge with it. */
const perFurtherMark = 0.4;
const lettersPerToken = 9;
const digitsPerToken = 3;

/**
 * Estimates the tokens of a text by its runs of letters, digits, marks and spaces, at about 12 ns a character.
 * The constants were fitted to o200k_base over 4,338 prompts (sums, code, prose, puzzles): the sum is right within
 * 1 %, single prompts are at 0.71 to 1.22 of the true count from the 1st to the 99th percentile. Counting four bytes
 * a token is off by half on puzzles and code.
 */
export function countTextTokens(text: string): number {
  let tokens = 0;
  let run = 0;
  let kind = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    const next = kindOf(code);
    run = next === kind ? run + 1 : 1;
    kind = next;
    tokens += tokensAt(kind, run, code);
  }
  return tokens;
}

/** What the character adds that is number `run` (from 1) of a run of its kind. */
function tokensAt(kind: number, run: number, code: number): number {
  switch (kind) {
    case letter:
      return run % lettersPerToken === 1 ? 1 : 0;
    case digit:
      return run % digitsPerToken === 1 ? 1 : 0;
    case space:
      if (run === 1) return code === 0x20 ? 0 : perLineBreak;
      return run === 2 ? perIndent : 0;
    case mark:
      return run === 1 ? 1 : perFurtherMark;
    case script:
      return perScriptCharacter;
    default:
      return perIdeograph;
  }
}

const asciiKinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[A-Za-z]/.test(character)) return letter;
  if (/\d/.test(character)) return digit;
  return /\s/.test(character) ? space : mark;
});

function kindOf(code: number): number {
  if (code < 128) return asciiKinds[code] ?? mark;
  return code < firstIdeograph ? script : ideograph;
}
