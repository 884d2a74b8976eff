import { backlog } from "./backlog.ts";
import { cost } from "./cost.ts";
import { engineLoad } from "./engine-load.ts";
import { headroom } from "./headroom.ts";
import { latency } from "./latency.ts";
import type { Scorer } from "./scorer.ts";
import { stickiness } from "./stickiness.ts";
import { weight } from "./weight.ts";

export type { Scorer } from "./scorer.ts";
export { sessionOf, stickiness } from "./stickiness.ts";

/** Every scorer by the name that a policy uses. */
export const scorers: ReadonlyMap<string, Scorer> = new Map(
  [cost, headroom, latency, backlog, weight, stickiness, engineLoad].map((scorer) => [scorer.name, scorer]),
);
