import { FileMissing, type FileStore, type Logger, type Metrics, type Tracer } from "@sluice/domain";
import type { Purse } from "@sluice/engine";

const nothing = (): void => undefined;

/** A logger that says nothing: a simulated hour would say it tens of thousands of times. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};

export const silentMetrics: Metrics = { increment: nothing, observe: nothing, set: nothing };

export const silentTracer: Tracer = {
  inSpan: (_name, _options, fn) => fn({ setAttribute: nothing }),
  currentTraceparent: () => undefined,
};

/** Simulated jobs come without a key and in no batch. */
export const noPurse: Purse = {
  withSpend: () => Promise.reject(new Error("a simulation has no budgets of keys and batches")),
  stopBatch: () => Promise.reject(new Error("a simulation has no batches")),
};

/** Simulated requests and answers have no bytes, so nothing is ever stored. */
export const noFiles: FileStore = {
  put: () => Promise.reject(new Error("a simulation stores nothing")),
  open: (key) => Promise.reject(new FileMissing(key)),
  read: (key) => Promise.reject(new FileMissing(key)),
  delete: async () => undefined,
  removeAbandoned: async () => 0,
};
