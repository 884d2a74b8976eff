/** Time as the engine sees it; the simulator has its own. */
export interface Clock {
  /** Milliseconds since 1970, by the wall clock. */
  now(): number;
  /** Milliseconds that never step back; only differences mean something. */
  monotonicMs(): number;
  /** Calls `fn` once after `delayMs`; the returned function cancels it. */
  setTimer(delayMs: number, fn: () => void): () => void;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Structured log; fields carry ids, never prompts, results or secrets. */
export interface Logger {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
  child(fields: Fields): Logger;
}

type Labels = Readonly<Record<string, string>>;

/** Names and labels are those of the one table in packages/telemetry. */
export interface Metrics {
  increment(name: string, labels?: Labels, by?: number): void;
  observe(name: string, labels: Labels, value: number): void;
  set(name: string, labels: Labels, value: number): void;
}

/** Runs `fn` inside a trace span; `parent` is a W3C traceparent. */
export interface Tracer {
  inSpan<T>(
    name: string,
    options: {
      readonly parent?: string | undefined;
      readonly attributes?: Readonly<Record<string, string | number>>;
    },
    fn: (span: { setAttribute(key: string, value: string | number): void }) => Promise<T>,
  ): Promise<T>;
  /** The current span's `traceparent`, to be stored or sent on. */
  currentTraceparent(): string | undefined;
}
