import type { Capacity, EngineLoad, ProviderHealth, Signals, Target, TargetSignals } from "@sluice/domain";

/** What this process finds out of providers by itself; `undefined` where there is nothing to find out. */
export interface ProviderSignals {
  readonly engines: { load(provider: string): EngineLoad | undefined };
  readonly checks: { health(provider: string): ProviderHealth | undefined };
}

/** Adds to the signals of each target what the engine behind it says of its load, and how its provider is. */
export function withProviderSignals(
  capacity: Pick<Capacity, "signals">,
  { engines, checks }: ProviderSignals,
): Pick<Capacity, "signals"> {
  const add = (target: Target, signals: TargetSignals | undefined): [string, TargetSignals][] => {
    if (signals === undefined) return [];
    const engine = engines.load(target.provider);
    const health = checks.health(target.provider);
    const found = {
      ...(engine === undefined ? {} : { engine }),
      ...(health === undefined ? {} : { health }),
    };
    return [[target.id, { ...signals, ...found }]];
  };
  return {
    async signals(targets): Promise<Signals> {
      const signals = await capacity.signals(targets);
      return Object.fromEntries(targets.flatMap((target) => add(target, signals[target.id])));
    },
  };
}
