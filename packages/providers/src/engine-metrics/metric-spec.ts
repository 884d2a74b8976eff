import type { Sample } from "./read-samples.ts";

/** Which series of a page are meant: a name, and labels that they must have. */
export interface MetricSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

const shape = /^([a-zA-Z_:][\w:]*)(?:\{([^{}]*)\})?$/;

/** Reads `name` or `name{label=value,label="value"}`. Throws RangeError when it is neither. */
export function parseMetricSpec(spec: string): MetricSpec {
  const [, name, inner = ""] = shape.exec(spec.trim()) ?? [];
  if (name === undefined) throw new RangeError(`"${spec}" is not a metric such as name{label=value}`);
  const pairs = inner.split(",").filter((pair) => pair.trim() !== "");
  const labels = pairs.map((pair) => {
    const [, key, value] = /^\s*([a-zA-Z_]\w*)\s*=\s*"?([^"]*?)"?\s*$/.exec(pair) ?? [];
    if (key === undefined || value === undefined)
      throw new RangeError(`"${spec}" is not a metric such as name{label=value}`);
    return [key, value] as const;
  });
  return { name, labels: Object.fromEntries(labels) };
}

/** The values of the series that a spec means. */
export function valuesOf(samples: readonly Sample[], { name, labels }: MetricSpec): number[] {
  const wanted = Object.entries(labels);
  return samples
    .filter((sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value))
    .map(({ value }) => value);
}
