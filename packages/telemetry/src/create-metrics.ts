import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Metrics } from "@sluice/domain";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type MetricLabels, type MetricName, type MetricNameOf, metricTable } from "./metric-table.ts";

type Labels = Readonly<Record<string, string>>;
type Instrument = Counter | Gauge | Histogram;

/** Records metrics by the names and labels of the table; also fits the domain's looser port. */
export interface MetricsRecorder {
  increment<Name extends MetricNameOf<"counter">>(name: Name, labels?: MetricLabels<Name>, by?: number): void;
  observe<Name extends MetricNameOf<"histogram">>(
    name: Name,
    labels: MetricLabels<Name>,
    value: number,
  ): void;
  set<Name extends MetricNameOf<"gauge">>(name: Name, labels: MetricLabels<Name>, value: number): void;
  /** All metrics in Prometheus' text format. */
  render(): Promise<string>;
  /** The content type of what `render` gives. */
  readonly contentType: string;
  /** Ends the measuring of the process itself. */
  close(): void;
}

export interface MetricsOptions {
  /** Also report memory, CPU, garbage collection and the event loop of this process; true by default. */
  readonly processMetrics?: boolean;
  /**
   * Hears of a name, type or labels that are not in the table (once per metric), so that a slip in a metric does not
   * fail a job; without it such a slip throws.
   */
  readonly onMisuse?: (problem: string) => void;
}

/** Makes a recorder with a registry of its own. */
export function createMetrics(options: MetricsOptions = {}): MetricsRecorder & Metrics {
  const registry = new Registry();
  const instruments = new Map<string, Instrument>(
    (Object.keys(metricTable) as MetricName[]).map((name) => [name, createInstrument(name, registry)]),
  );
  const recorder = createRecorder(instruments, createMisuse(options.onMisuse));
  const close = options.processMetrics === false ? () => undefined : measureProcess(registry, instruments);
  return { ...recorder, render: () => registry.metrics(), contentType: registry.contentType, close };
}

function createInstrument(name: MetricName, registry: Registry): Instrument {
  const definition = metricTable[name];
  const common = { name, help: definition.help, labelNames: [...definition.labels], registers: [registry] };
  switch (definition.type) {
    case "counter":
      return new Counter(common);
    case "gauge":
      return new Gauge(common);
    case "histogram":
      return new Histogram({ ...common, buckets: [...definition.buckets] });
  }
}

function createRecorder(
  instruments: ReadonlyMap<string, Instrument>,
  misuse: (name: string, problem: string) => void,
): Metrics {
  function usable(name: string, labels: Labels, value: number): Instrument | undefined {
    const problem = findProblem(name, labels, value);
    if (problem === undefined) return instruments.get(name);
    misuse(name, problem);
    return undefined;
  }

  return {
    increment(name, labels = {}, by = 1) {
      const counter = usable(name, labels, by);
      if (counter instanceof Counter) counter.inc(labels, by);
      else if (counter) misuse(name, "is not a counter");
    },
    observe(name, labels, value) {
      const histogram = usable(name, labels, value);
      if (histogram instanceof Histogram) histogram.observe(labels, value);
      else if (histogram) misuse(name, "is not a histogram");
    },
    set(name, labels, value) {
      const gauge = usable(name, labels, value);
      if (gauge instanceof Gauge) gauge.set(labels, value);
      else if (gauge) misuse(name, "is not a gauge");
    },
  };
}

function findProblem(name: string, labels: Labels, value: number): string | undefined {
  if (!Object.hasOwn(metricTable, name)) return "is not in the table";
  const { type, labels: expected }: { type: string; labels: readonly string[] } =
    metricTable[name as MetricName];
  const given = Object.keys(labels);
  if (given.length !== expected.length || !given.every((label) => expected.includes(label))) {
    return `has the labels [${expected.join(", ")}], got [${given.join(", ")}]`;
  }
  if (!Number.isFinite(value) || (type === "counter" && value < 0)) return `cannot take the value ${value}`;
  return undefined;
}

function createMisuse(
  onMisuse: ((problem: string) => void) | undefined,
): (name: string, problem: string) => void {
  const told = new Set<string>();
  return (name, problem) => {
    const text = `metric ${name} ${problem}`;
    if (onMisuse === undefined) throw new Error(text);
    if (told.has(name)) return;
    told.add(name);
    onMisuse(text);
  };
}

function measureProcess(registry: Registry, instruments: ReadonlyMap<string, Instrument>): () => void {
  collectDefaultMetrics({ register: registry });
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const gauge = instruments.get("sluice_event_loop_lag_seconds" satisfies MetricName) as Gauge & {
    collect: () => void;
  };
  gauge.collect = () => {
    const nanoseconds = delay.percentile(99);
    gauge.set(Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0);
    delay.reset();
  };
  return () => delay.disable();
}
