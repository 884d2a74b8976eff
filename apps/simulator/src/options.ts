/** How prompt and answer tokens are counted: `exact` is o200k, `chars` is bytes / 4. */
export type TokenizerName = "exact" | "chars";

/** What can be chosen about a simulated upstream; every field has a default. Limits of 0 mean "unlimited". */
export interface SimulatorOptions {
  readonly host?: string | undefined;
  /** 0 takes a free port. */
  readonly port?: number | undefined;
  /** Stands in the ready line and, without `models`, is the one model that is listed. */
  readonly name?: string | undefined;
  readonly seed?: number | undefined;
  readonly ttftMs?: number | undefined;
  /** 0 writes the whole answer at once. */
  readonly tokensPerSecond?: number | undefined;
  /** Share by which a call's latency varies around its mean, 0..1. */
  readonly jitter?: number | undefined;
  /** Divides every latency (not the 60 s windows of the limits). */
  readonly timeScale?: number | undefined;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly concurrency?: number | undefined;
  /** Calls served at a time, as an engine's batch; the rest wait in its queue. */
  readonly slots?: number | undefined;
  /** Share of calls that end in 500 or 503, 0..1. */
  readonly errorRate?: number | undefined;
  /** Fault rules in the words of the README, such as `hang:0.01`. */
  readonly faults?: readonly string[] | undefined;
  readonly meanOutputTokens?: number | undefined;
  /** Sigma of the lognormal output length; 0 makes every answer the mean long. */
  readonly outputSpread?: number | undefined;
  /** Prompt + output tokens a model takes; above → 400 context_length_exceeded. */
  readonly contextWindow?: number | undefined;
  readonly embeddingDimensions?: number | undefined;
  /** KV-cache blocks of 16 tokens, for `vllm:kv_cache_usage_perc`. */
  readonly kvBlocks?: number | undefined;
  readonly tokenizer?: TokenizerName | undefined;
  /** The only model names that are known; empty knows every name. */
  readonly models?: readonly string[] | undefined;
  /** Keys that may call; empty asks for none. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Request headers whose values `/_sim/stats` counts. */
  readonly countHeaders?: readonly string[] | undefined;
  /** Calls that the call log keeps. */
  readonly callLogSize?: number | undefined;
}

type Complete = { readonly [K in keyof SimulatorOptions]-?: Exclude<SimulatorOptions[K], undefined> };

/** Options with every default filled in. */
export interface ResolvedOptions extends Complete {}

const defaults: ResolvedOptions = {
  host: "127.0.0.1",
  port: 0,
  name: "sim",
  seed: 1,
  ttftMs: 500,
  tokensPerSecond: 50,
  jitter: 0.1,
  timeScale: 1,
  requestsPerMinute: 0,
  tokensPerMinute: 0,
  concurrency: 0,
  slots: 0,
  errorRate: 0,
  faults: [],
  meanOutputTokens: 200,
  outputSpread: 0.5,
  contextWindow: 0,
  embeddingDimensions: 1536,
  kvBlocks: 10_000,
  tokenizer: "exact",
  models: [],
  apiKeys: [],
  countHeaders: [],
  callLogSize: 200_000,
};

const shares = ["jitter", "errorRate"] as const;
const positives = [
  "timeScale",
  "meanOutputTokens",
  "embeddingDimensions",
  "kvBlocks",
  "callLogSize",
] as const;
const integers = [
  "port",
  "seed",
  "requestsPerMinute",
  "tokensPerMinute",
  "concurrency",
  "slots",
  "contextWindow",
  "embeddingDimensions",
  "kvBlocks",
  "callLogSize",
] as const;

/**
 * Fills in the defaults.
 * @throws RangeError naming the option whose value is out of its range.
 */
export function resolveOptions(options: SimulatorOptions): ResolvedOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const resolved = { ...defaults, ...Object.fromEntries(given) } as ResolvedOptions;
  for (const [name, value] of Object.entries(resolved)) {
    if (typeof value === "number" && !(Number.isFinite(value) && value >= 0))
      throw outOfRange(name, "at least 0", value);
  }
  for (const name of shares)
    if (resolved[name] > 1) throw outOfRange(name, "between 0 and 1", resolved[name]);
  for (const name of positives) if (resolved[name] === 0) throw outOfRange(name, "above 0", 0);
  for (const name of integers) {
    if (!Number.isSafeInteger(resolved[name])) throw outOfRange(name, "an integer", resolved[name]);
  }
  return resolved;
}

function outOfRange(name: string, wanted: string, got: number): RangeError {
  return new RangeError(`${name} must be ${wanted}, got ${got}`);
}
