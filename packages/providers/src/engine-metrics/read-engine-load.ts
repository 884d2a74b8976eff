import type { EngineLoad } from "@sluice/domain";
import { parseMetricSpec, valuesOf } from "./metric-spec.ts";
import {
  dcgmNames,
  type EngineKind,
  type MetricNames,
  presets,
  type Quantity,
  quantities,
} from "./presets.ts";
import { readSamples } from "./read-samples.ts";

type Reading = Omit<EngineLoad, "scrapedAt">;

/** How the series of one quantity become one number: requests add up, of shares the fullest or the mean counts. */
const combine: Readonly<Record<Quantity, (values: readonly number[]) => number>> = {
  waiting: sum,
  running: sum,
  kvCacheUsage: (values) => asShare(Math.max(...values)),
  gpuUtilisation: (values) => asShare(mean(values)),
  gpuMemoryUsed: (values) => asShare(mean(values)),
};

/**
 * Reads the load of an engine from its metrics page. What `custom` names comes before the preset of its kind.
 * A quantity that the page does not have is absent.
 */
export function readEngineLoad(page: string, kind: EngineKind, custom: MetricNames = {}): Reading {
  const names: MetricNames = { ...presets[kind], ...custom };
  const specs = quantities.flatMap((quantity) =>
    (names[quantity] ?? []).map((text) => ({ quantity, spec: parseMetricSpec(text) })),
  );
  const samples = readSamples(page, new Set(specs.map(({ spec }) => spec.name)));
  const found: Partial<Record<Quantity, number>> = {};
  for (const { quantity, spec } of specs) {
    if (found[quantity] !== undefined) continue;
    const values = valuesOf(samples, spec).filter((value) => Number.isFinite(value));
    if (values.length > 0) found[quantity] = Math.max(0, combine[quantity](values));
  }
  return found;
}

/** Reads the use of the GPUs from a page of NVIDIA DCGM. */
export function readGpuLoad(page: string): Pick<EngineLoad, "gpuUtilisation" | "gpuMemoryUsed"> {
  const samples = readSamples(page, new Set(Object.values(dcgmNames)));
  const of = (name: string): number[] => valuesOf(samples, { name, labels: {} }).filter(Number.isFinite);
  const utilisation = of(dcgmNames.utilisation);
  const [used, free] = [sum(of(dcgmNames.memoryUsed)), sum(of(dcgmNames.memoryFree))];
  return {
    ...(utilisation.length === 0 ? {} : { gpuUtilisation: asShare(mean(utilisation) / 100) }),
    ...(used + free > 0 ? { gpuMemoryUsed: asShare(used / (used + free)) } : {}),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function asShare(value: number): number {
  return Math.min(1, Math.max(0, value));
}
