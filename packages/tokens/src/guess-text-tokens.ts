/** Tokens that a character of a script outside ASCII adds. */
const perScriptCharacter = 0.35;
const perIdeograph = 0.7;
const perLineBreak = 0.9;
const perIndent = 0.5;
/** Marks after the first of a run often merge with it. */
const perFurtherMark = 0.4;
const lettersPerToken = 9;
const digitsPerToken = 3;

/** From here on one character is about one word: CJK, kana, hangul, emoji. */
const firstIdeograph = 0x2e80;
const scriptColumn = 128;
const ideographColumn = 129;
const columns = 130;

/**
 * What the last character was, and how far into its run: letters and digits by their place in a token, so that each
 * state adds a fixed number of tokens. One look-up a character instead of a dozen comparisons.
 */
const letters = 1;
const digits = letters + lettersPerToken;
const blank = digits + digitsPerToken;
const lineBreak = blank + 1;
const secondSpace = lineBreak + 1;
const furtherSpace = secondSpace + 1;
const mark = furtherSpace + 1;
const furtherMark = mark + 1;
const script = furtherMark + 1;
const ideograph = script + 1;
const states = ideograph + 1;

const tokensOfState = new Float64Array(states);
tokensOfState[letters] = 1;
tokensOfState[digits] = 1;
tokensOfState[lineBreak] = perLineBreak;
tokensOfState[secondSpace] = perIndent;
tokensOfState[mark] = 1;
tokensOfState[furtherMark] = perFurtherMark;
tokensOfState[script] = perScriptCharacter;
tokensOfState[ideograph] = perIdeograph;

const nextStates = Uint8Array.from({ length: states * columns }, (_, index) =>
  nextState(Math.floor(index / columns), index % columns),
);

function nextState(state: number, column: number): number {
  if (column === scriptColumn) return script;
  if (column === ideographColumn) return ideograph;
  const character = String.fromCharCode(column);
  if (/[A-Za-z]/.test(character)) return nextOfRun(state, letters, lettersPerToken);
  if (/\d/.test(character)) return nextOfRun(state, digits, digitsPerToken);
  if (/\s/.test(character)) return nextSpace(state, character);
  return state === mark || state === furtherMark ? furtherMark : mark;
}

function nextOfRun(state: number, first: number, length: number): number {
  return state >= first && state < first + length - 1 ? state + 1 : first;
}

function nextSpace(state: number, character: string): number {
  if (state === blank || state === lineBreak) return secondSpace;
  if (state === secondSpace || state === furtherSpace) return furtherSpace;
  return character === " " ? blank : lineBreak;
}

/**
 * Guesses the tokens of a text by its runs of letters, digits, marks and spaces, at about 3 ns a character.
 * The constants were fitted to o200k_base over 4,338 prompts (sums, code, prose, puzzles): the sum is right within
 * 1 %, single prompts are at 0.71 to 1.22 of the true count from the 1st to the 99th percentile. Counting four bytes
 * a token is off by half on puzzles and code.
 */
export function guessTextTokens(text: string): number {
  let tokens = 0;
  let state = 0;
  for (let i = 0; i < text.length; i += 1) {
    state = nextStates[state * columns + columnOf(text.charCodeAt(i))] ?? 0;
    tokens += tokensOfState[state] ?? 0;
  }
  return tokens;
}

function columnOf(code: number): number {
  if (code < scriptColumn) return code;
  return code < firstIdeograph ? scriptColumn : ideographColumn;
}
