/** One call as the simulator logged it. */
export interface SimulatedCall {
  readonly seq: number;
  readonly at: string;
  readonly model: string;
  /** `null` while it is in flight. */
  readonly status: number | null;
  /** The limit that refused it; `null` when it was admitted. */
  readonly throttled: string | null;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly duration_ms: number | null;
  readonly x_sluice_job_id: string | null;
}

/** What the simulator counted. */
export interface SimulatedStats {
  readonly calls: number;
  readonly in_flight: number;
  readonly max_concurrency: number;
  readonly max_requests_60s: number;
  readonly max_tokens_60s: number;
  readonly throttled: { readonly total: number };
}

/** Looks into, and steers, one simulated upstream. */
export interface SimulatorControl {
  /** All calls that the log keeps with a number above `since`, oldest first. */
  calls(since?: number): Promise<SimulatedCall[]>;
  /** How many calls the log no longer holds. */
  dropped(): Promise<number>;
  stats(): Promise<SimulatedStats>;
}

type Page = { readonly calls: SimulatedCall[]; readonly next_since: number; readonly dropped: number };

/** Controls the simulator at this origin. */
export function createSimulatorControl(origin: string): SimulatorControl {
  const read = async (path: string): Promise<unknown> => (await fetch(`${origin}${path}`)).json();
  return {
    async calls(since = 0) {
      const all: SimulatedCall[] = [];
      for (let from = since; ; ) {
        const page = (await read(`/_sim/calls?since=${from}`)) as Page;
        if (page.calls.length === 0) return all;
        all.push(...page.calls);
        from = page.next_since;
      }
    },
    dropped: async () => ((await read("/_sim/calls?limit=1")) as Page).dropped,
    stats: async () => (await read("/_sim/stats")) as SimulatedStats,
  };
}
