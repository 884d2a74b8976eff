import type { Random, TargetLimits } from "@sluice/domain";
import { createSlidingLimit } from "./sliding-limit.ts";

/** How a modelled target behaves. */
export interface TargetModel {
  readonly ttftMs: number;
  readonly tokensPerSecond: number;
  /** Share of the calls that it takes and then fails, 0..1. */
  readonly errorRate: number;
  /** What it enforces, whatever the configuration believes. */
  readonly limits: TargetLimits;
}

/** What a call takes. */
export interface CallSize {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export type Answer =
  | { readonly kind: "throttled" }
  | { readonly kind: "succeeded" | "failed"; readonly lastsMs: number };

/** An upstream that keeps its limits strictly: requests, prompt and real answer count at arrival. */
export interface ModelledTarget {
  /** Takes a call or answers 429. Whoever calls says when it has ended. */
  arrive(now: number, call: CallSize): Answer;
  end(): void;
  inFlight(): number;
}

/** A refusal and a failure come back after the time to the first token, an answer when its last token has. */
export function createModelledTarget(model: TargetModel, random: Random): ModelledTarget {
  const { limits } = model;
  const requests = createSlidingLimit(limits.requestsPerMinute);
  const tokens = createSlidingLimit(limits.tokensPerMinute);
  const inputs = createSlidingLimit(limits.inputTokensPerMinute);
  const outputs = createSlidingLimit(limits.outputTokensPerMinute);
  const places = limits.concurrency ?? Number.POSITIVE_INFINITY;
  let inFlight = 0;
  return {
    arrive(now, { inputTokens, outputTokens }) {
      const fits =
        inFlight < places &&
        requests.left(now) >= 1 &&
        tokens.left(now) >= inputTokens + outputTokens &&
        inputs.left(now) >= inputTokens &&
        outputs.left(now) >= outputTokens;
      if (!fits) return { kind: "throttled" };
      requests.charge(now, 1);
      tokens.charge(now, inputTokens + outputTokens);
      inputs.charge(now, inputTokens);
      outputs.charge(now, outputTokens);
      inFlight += 1;
      if (random.next() < model.errorRate) return { kind: "failed", lastsMs: model.ttftMs };
      return { kind: "succeeded", lastsMs: model.ttftMs + (outputTokens / model.tokensPerSecond) * 1000 };
    },
    end() {
      inFlight -= 1;
    },
    inFlight: () => inFlight,
  };
}
