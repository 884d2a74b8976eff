import { type BenchProcess, startProcess } from "./bench-process.ts";

/** The simulated upstream, without latency, limits or faults. */
export interface Upstream {
  /** Base URL without `/v1`. */
  readonly origin: string;
  readonly process: BenchProcess;
  /** Calls it has answered since the last reset. */
  callCount(): Promise<number>;
  /** Unix ms of the first call after the last reset; undefined before it. */
  firstCallAt(): Promise<number | undefined>;
  /** Unix ms of the newest call; NaN before the first. */
  lastCallAt(): Promise<number>;
  reset(): Promise<void>;
}

/** Length of an answer in tokens: short, so that the upstream takes little of the machine from what is measured. */
const answerTokens = 50;

/** Starts the simulator. */
export async function startUpstream(options: { logFolder: string; seed: number }): Promise<Upstream> {
  const flags = { "ttft-ms": 0, "tokens-per-second": 0, jitter: 0, "mean-output-tokens": answerTokens };
  const process = await startProcess({
    name: "upstream",
    program: "apps/simulator/src/main.ts",
    args: [
      ...Object.entries({ ...flags, seed: options.seed }).flatMap(([name, value]) => [
        `--${name}`,
        String(value),
      ]),
      ...["--output-spread", "0", "--tokenizer", "chars"],
    ],
    logFolder: options.logFolder,
  });
  const { origin } = new URL(process.url);
  const get = async (path: string): Promise<unknown> => (await fetch(`${origin}/_sim/${path}`)).json();
  return {
    origin,
    process,
    callCount: async () => ((await get("stats")) as { calls: number }).calls,
    async firstCallAt() {
      const { calls } = (await get("calls?limit=1")) as { calls: { at: string }[] };
      return calls[0] === undefined ? undefined : Date.parse(calls[0].at);
    },
    async lastCallAt() {
      const { calls } = (await get("calls")) as { calls: { at: string }[] };
      return Date.parse(calls.at(-1)?.at ?? "");
    },
    async reset() {
      await fetch(`${origin}/_sim/reset`, { method: "POST" });
    },
  };
}
