/** One call as the simulator logged it. */
export interface SimulatedCall {
  readonly seq: number;
  readonly at: string;
  readonly model: string;
  /** `null` while it is in flight. */
  readonly status: number | null;
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
  calls(since?: number): Promise<SimulatedCall[]>;
  stats(): Promise<SimulatedStats>;
}

/** Controls the simulator at this origin. */
export function createSimulatorControl(origin: string): SimulatorControl {
  const read = async (path: string): Promise<unknown> => (await fetch(`${origin}${path}`)).json();
  return {
    calls: async (since = 0) =>
      ((await read(`/_sim/calls?since=${since}`)) as { calls: SimulatedCall[] }).calls,
    stats: async () => (await read("/_sim/stats")) as SimulatedStats,
  };
}
