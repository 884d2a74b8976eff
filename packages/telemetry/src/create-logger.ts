import { trace } from "@opentelemetry/api";
import type { Logger } from "@sluice/domain";
import pino from "pino";
import { redactFields, redactText } from "./redact.ts";

const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

export interface LoggerOptions {
  /** What this process does, e.g. `worker`; stands in every line. */
  readonly role: string;
  /** Least level that is written (`LOG_LEVEL`): debug, info, warn, error or silent. */
  readonly level: string;
  /** Where lines go; standard output by default. */
  readonly destination?: { write(line: string): void };
}

/**
 * A logger that writes one JSON object per line, with the trace it belongs to, and never a prompt, result or secret
 * (see redact.ts). Throws when the level is unknown.
 */
export function createLogger(options: LoggerOptions): Logger {
  if (!levels.includes(options.level)) {
    throw new Error(`LOG_LEVEL must be one of ${levels.join(", ")}, got "${options.level}"`);
  }
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { role: options.role, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    mixin: currentTrace,
    // Redaction has made plain data of errors already; pino's own serializer would do without it.
    serializers: { err: (value: unknown) => value },
  };
  return wrap(options.destination ? pino(settings, options.destination) : pino(settings));
}

function wrap(target: pino.Logger): Logger {
  // Redacting a line that nobody will write costs more than all else about it.
  const write = (level: "debug" | "info" | "warn" | "error", fields: Fields, message: string): void => {
    if (target.isLevelEnabled(level)) target[level](redactFields(fields), redactText(message));
  };
  return {
    debug: (fields, message) => write("debug", fields, message),
    info: (fields, message) => write("info", fields, message),
    warn: (fields, message) => write("warn", fields, message),
    error: (fields, message) => write("error", fields, message),
    child: (fields) => wrap(target.child(redactFields(fields))),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function currentTrace(): Record<string, string> {
  const context = trace.getActiveSpan()?.spanContext();
  return context ? { trace_id: context.traceId, span_id: context.spanId } : {};
}
