import type { Random } from "@sluice/domain";
import type { Arrival, ArrivalDefaults } from "../arrival.ts";

/** Work that lies there when the simulation begins. */
export interface Backlog extends ArrivalDefaults {
  readonly jobs: number;
  /** Means; single jobs have half to one and a half times as many. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Makes the arrivals of a backlog, all at the beginning. */
export function makeBacklog(
  { jobs, inputTokens, outputTokens, ...defaults }: Backlog,
  random: Random,
): Arrival[] {
  const around = (mean: number) => Math.round(mean * (0.5 + random.next()));
  return Array.from({ length: jobs }, () => ({
    ...defaults,
    atMs: 0,
    inputTokens: around(inputTokens),
    outputTokens: around(outputTokens),
  }));
}
