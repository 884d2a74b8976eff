/** One request of a trace. */
export interface Arrival {
  /** ms since the beginning of the simulation. */
  readonly atMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly sla: string;
  readonly tenant: string;
  readonly model: string;
  readonly priority: number;
}

/** What a trace's lines leave out. */
export type ArrivalDefaults = Pick<Arrival, "sla" | "tenant" | "model" | "priority">;

/** Arrivals of several traces in order of time; those of one moment stay in the order of their traces. */
export function mergeArrivals(traces: readonly (readonly Arrival[])[]): Arrival[] {
  return traces.flat().sort((a, b) => a.atMs - b.atMs);
}
