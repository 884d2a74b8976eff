import type { Config } from "@sluice/config";
import type { Clock, Target } from "@sluice/domain";
import type { CallRecord } from "../log.ts";
import { seededRandom } from "../seeded-random.ts";
import { modelOfTarget } from "./model-of-target.ts";
import { type CallSize, createModelledTarget, type ModelledTarget } from "./modelled-target.ts";

/** How a call ended. */
export interface Ended {
  readonly kind: "succeeded" | "throttled" | "failed";
  readonly latencyMs: number;
  readonly costUsd: number;
}

/** All targets of a configuration with the log of their calls. */
export interface ModelledUpstream {
  /** Calls a target for a job (its number) and resolves when the answer is there. */
  call(target: Target, job: number, size: CallSize): Promise<Ended>;
  readonly calls: readonly CallRecord[];
  inFlight(): Record<string, number>;
}

/** A refusal is quick. */
const refusalMs = 50;

/** Makes the upstream; `startAt` is the clock's beginning, from which the log counts. */
export function createModelledUpstream(options: {
  readonly config: Config;
  readonly clock: Clock;
  readonly seed: number;
  readonly startAt: number;
}): ModelledUpstream {
  const { config, clock, seed, startAt } = options;
  const targets = new Map<string, ModelledTarget>();
  for (const pool of Object.values(config.pools)) {
    for (const target of pool.targets)
      targets.set(
        target.id,
        createModelledTarget(modelOfTarget(config, target), seededRandom(seed, `errors of ${target.id}`)),
      );
  }
  const calls: CallRecord[] = [];

  function wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
  }

  return {
    calls,
    async call(target, job, size) {
      const model = targets.get(target.id);
      if (model === undefined) throw new Error(`the target ${target.id} is not modelled`);
      const at = clock.now() - startAt;
      const answer = model.arrive(clock.now(), size);
      const ending = answer.kind;
      const costUsd = ending === "succeeded" ? costOf(target, size) : 0;
      const record: CallRecord = { ...size, job, target: target.id, at, endedAt: undefined, ending, costUsd };
      calls.push(record);
      const latencyMs = answer.kind === "throttled" ? refusalMs : answer.lastsMs;
      await wait(latencyMs);
      record.endedAt = clock.now() - startAt;
      if (ending !== "throttled") model.end();
      return { kind: ending, latencyMs, costUsd };
    },
    inFlight: () => Object.fromEntries([...targets].map(([id, target]) => [id, target.inFlight()])),
  };
}

function costOf({ price }: Target, { inputTokens, outputTokens }: CallSize): number {
  return (inputTokens * price.input + outputTokens * price.output) / 1_000_000;
}
