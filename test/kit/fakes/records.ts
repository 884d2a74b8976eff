import type { IdSource, Logger, Metrics, Tracer } from "@sluice/domain";

export interface LogEntry {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps what it is told. */
export function createRecordingLogger(entries: LogEntry[] = []): Logger & { readonly entries: LogEntry[] } {
  const at = (level: LogEntry["level"]) => (fields: LogEntry["fields"], message: string) => {
    entries.push({ level, fields, message });
  };
  return {
    entries,
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => createRecordingLogger(entries),
  };
}

/** Metrics that add up; a series is written `name{label=value,…}`. */
export function createRecordingMetrics(): Metrics & { readonly totals: Map<string, number> } {
  const totals = new Map<string, number>();
  const series = (name: string, labels: Readonly<Record<string, string>> = {}) => {
    const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
  };
  const add = (key: string, by: number) => totals.set(key, (totals.get(key) ?? 0) + by);
  return {
    totals,
    increment: (name, labels, by = 1) => void add(series(name, labels), by),
    observe: (name, labels, value) => void add(series(name, labels), value),
    set: (name, labels, value) => void totals.set(series(name, labels), value),
  };
}

/** A tracer that only runs what it is given; `parents` are those it was given. */
export function createFakeTracer(): Tracer & { readonly parents: (string | undefined)[] } {
  const parents: (string | undefined)[] = [];
  return {
    parents,
    inSpan(_name, { parent }, fn) {
      parents.push(parent);
      return fn({ setAttribute: () => undefined });
    },
    currentTraceparent: () => undefined,
  };
}

/** Ids that count: 00000000-0000-7000-8000-000000000001 and so on. */
export function createCountingIds(): IdSource {
  let made = 0;
  return {
    uuid() {
      made += 1;
      return `00000000-0000-7000-8000-${made.toString(16).padStart(12, "0")}`;
    },
  };
}
