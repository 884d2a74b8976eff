import { parseArgs } from "node:util";
import type { SimulatorOptions } from "./options.ts";

/** What the command line asked for. */
export type Flags =
  | { readonly kind: "run"; readonly options: SimulatorOptions }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "wrong"; readonly message: string };

const numbers = {
  port: "port",
  seed: "seed",
  "ttft-ms": "ttftMs",
  "tokens-per-second": "tokensPerSecond",
  jitter: "jitter",
  "time-scale": "timeScale",
  "requests-per-minute": "requestsPerMinute",
  "tokens-per-minute": "tokensPerMinute",
  concurrency: "concurrency",
  slots: "slots",
  "error-rate": "errorRate",
  "mean-output-tokens": "meanOutputTokens",
  "output-spread": "outputSpread",
  "context-window": "contextWindow",
  "embedding-dimensions": "embeddingDimensions",
  "kv-blocks": "kvBlocks",
  "call-log": "callLogSize",
} as const satisfies Record<string, keyof SimulatorOptions>;
const texts = { host: "host", name: "name" } as const;
const lists = { fault: "faults", "api-key": "apiKeys", "count-header": "countHeaders" } as const;
type Text = { type: "string"; multiple?: boolean };

/** Reads the arguments after the program's name; the README lists them. */
export function parseFlags(args: readonly string[]): Flags {
  try {
    return readFlags(args);
  } catch (error) {
    return { kind: "wrong", message: error instanceof Error ? error.message : String(error) };
  }
}

function readFlags(args: readonly string[]): Flags {
  const known: Record<string, Text | { type: "boolean" }> = {
    models: { type: "string" },
    tokenizer: { type: "string" },
    help: { type: "boolean" },
  };
  for (const name of [...Object.keys(numbers), ...Object.keys(texts)]) known[name] = { type: "string" };
  for (const name of Object.keys(lists)) known[name] = { type: "string", multiple: true };
  const { values } = parseArgs({ args: [...args], options: known, strict: true });
  if (values["help"] === true)
    return {
      kind: "help",
      text: `Flags: ${Object.keys(known)
        .map((name) => `--${name}`)
        .join(" ")}`,
    };
  const options: Record<string, unknown> = {};
  for (const [flag, option] of Object.entries(numbers)) options[option] = readNumber(flag, values[flag]);
  for (const [flag, option] of Object.entries({ ...texts, ...lists })) options[option] = values[flag];
  options["models"] = (values["models"] as string | undefined)?.split(",").filter((name) => name !== "");
  const { tokenizer } = values;
  if (tokenizer !== undefined && tokenizer !== "exact" && tokenizer !== "chars") {
    return { kind: "wrong", message: "--tokenizer must be exact or chars" };
  }
  return { kind: "run", options: { ...options, tokenizer } as SimulatorOptions };
}

function readNumber(flag: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value === "" || Number.isNaN(number))
    throw new RangeError(`--${flag} must be a number, got "${String(value)}"`);
  return number;
}
