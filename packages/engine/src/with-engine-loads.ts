import type { Capacity, EngineLoad, Signals, Target, TargetSignals } from "@sluice/domain";

/** Who knows the load of engines, by provider. */
export interface EngineLoads {
  load(provider: string): EngineLoad | undefined;
}

/** Adds to the signals of each target what the engine behind it says of its load. */
export function withEngineLoads(
  capacity: Pick<Capacity, "signals">,
  engines: EngineLoads,
): Pick<Capacity, "signals"> {
  const add = (target: Target, signals: TargetSignals | undefined): [string, TargetSignals][] => {
    if (signals === undefined) return [];
    const engine = engines.load(target.provider);
    return [[target.id, engine === undefined ? signals : { ...signals, engine }]];
  };
  return {
    async signals(targets): Promise<Signals> {
      const signals = await capacity.signals(targets);
      return Object.fromEntries(targets.flatMap((target) => add(target, signals[target.id])));
    },
  };
}
