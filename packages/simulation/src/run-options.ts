import type { Config } from "@sluice/config";
import { createIdSource, type IdSource, tenantId } from "@sluice/domain";
import type { Arrival } from "./arrival.ts";
import { seededRandom } from "./seeded-random.ts";

/** What a simulated cluster is given; the same for each scheduler. */
export interface RunOptions {
  readonly config: Config;
  /** In order of time. */
  readonly arrivals: readonly Arrival[];
  readonly seed: number;
  /** Worker processes. */
  readonly workers: number;
  /** Jobs that one worker has in hand at once, of each lane. */
  readonly concurrency: number;
}

/** Every simulation begins at this moment (2026-01-01 UTC), so that nothing depends on the day it is run. */
export const simulationStart = Date.UTC(2026, 0, 1);

/** How often the state of the cluster is noted. */
export const sampleEveryMs = 5_000;

/** Simulated requests and answers have lengths, not bytes. */
export const noBody = { kind: "inline", bytes: Buffer.alloc(0) } as const;

/** Ids that the seed decides. */
export function seededIds(seed: number, clock: { now(): number }): IdSource {
  const random = seededRandom(seed, "ids");
  return createIdSource(clock, (size) =>
    Uint8Array.from({ length: size }, () => Math.floor(random.next() * 256)),
  );
}

/** A simulated request as the engine accepts it. */
export function fieldsOf({ tenant, model, sla, priority, inputTokens }: Arrival) {
  return {
    tenantId: tenantId(tenant),
    endpoint: "/v1/chat/completions",
    ...{ model, sla, priority, inputTokens },
    maxOutputTokens: undefined,
    capabilities: [],
  };
}
