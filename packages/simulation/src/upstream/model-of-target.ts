import type { Config } from "@sluice/config";
import type { Target } from "@sluice/domain";
import type { TargetModel } from "./modelled-target.ts";

const usualTtftMs = 500;
const usualTokensPerSecond = 50;

/**
 * How a configured target is modelled: a simulated provider says it, with the limits that it enforces; of a real one the
 * limits of the configuration are taken for true and the speed for a usual one.
 */
export function modelOfTarget({ providers }: Pick<Config, "providers">, target: Target): TargetModel {
  const provider = providers[target.provider];
  if (provider?.kind !== "simulator") {
    const speed = { ttftMs: usualTtftMs, tokensPerSecond: usualTokensPerSecond };
    return { ...speed, errorRate: 0, limits: target.limits };
  }
  const { ttftMs, tokensPerSecond, errorRate, limits } = provider;
  const states = Object.keys(limits).length > 0;
  return { ttftMs, tokensPerSecond, errorRate, limits: states ? limits : target.limits };
}
