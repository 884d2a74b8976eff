import type { WaitedLimits } from "../parking.ts";
import type { Amounts, Pace } from "./state.ts";

/** One kind of limit a minute. */
export interface Window {
  readonly limit: keyof WaitedLimits & keyof Pace;
  /** The end of the limit's name. */
  readonly name: string;
  /** What of the sums, or of an entry, it counts. */
  readonly amount: (of: Amounts) => number;
  /** What a call needs of it. */
  readonly need: (call: Call) => number;
}

interface Call {
  readonly input: number;
  readonly output: number;
}

export function tokensOf({ input, output, other }: Amounts): number {
  return input + output + other;
}

/** In the order in which they are looked at. */
export const windows: readonly Window[] = [
  { limit: "requests", name: "requests_per_minute", amount: ({ requests }) => requests, need: () => 1 },
  {
    limit: "tokens",
    name: "tokens_per_minute",
    amount: tokensOf,
    need: ({ input, output }) => input + output,
  },
  {
    limit: "input",
    name: "input_tokens_per_minute",
    amount: ({ input }) => input,
    need: ({ input }) => input,
  },
  {
    limit: "output",
    name: "output_tokens_per_minute",
    amount: ({ output }) => output,
    need: ({ output }) => output,
  },
];
