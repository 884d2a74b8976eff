import { SluiceApiError, SluiceConnectionError } from "./errors.ts";
import { retrying } from "./retry.ts";
import type { Runtime } from "./runtime.ts";
import { limitTime, type TimeLimit } from "./time-limit.ts";

/** Options of every call. */
export interface CallOptions {
  /** Aborts the call; it then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** One call of the API. */
export interface Call {
  readonly method?: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Added to the client's own `timeoutMs`: what the server was asked to wait. */
  readonly waitMs?: number;
  /** In place of the client's own number. */
  readonly maxRetries?: number;
}

/** An open answer: `limit` has to be restarted at each sign of life, and cleared in the end. */
export interface OpenAnswer {
  readonly response: Response;
  readonly limit: TimeLimit;
}

export interface TransportOptions {
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly maxRetries: number;
  /** For one try, until its answer has been read. */
  readonly timeoutMs: number;
  readonly runtime: Runtime;
}

/** Calls the API. */
export interface Transport {
  readonly options: TransportOptions;
  /** Calls, with retries, and reads the answer as JSON. */
  json<T>(call: Call): Promise<T>;
  /** Calls once, for an answer that is read bit by bit. Throws what is no success. */
  open(call: Call): Promise<OpenAnswer>;
  /** What a failure means to the caller: his own abort, or an error of this package. */
  explain(error: unknown, signal: AbortSignal | undefined): unknown;
}

export function createTransport(options: TransportOptions): Transport {
  const { runtime } = options;

  async function send(call: Call, signal: AbortSignal): Promise<Response> {
    const { method = "GET", path, body, headers } = call;
    const response = await runtime.fetch(`${options.baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${options.apiKey}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
      signal,
    });
    if (response.ok) return response;
    throw new SluiceApiError(response, await response.text(), runtime.now());
  }

  async function open(call: Call): Promise<OpenAnswer> {
    const limit = limitTime(runtime, options.timeoutMs + (call.waitMs ?? 0), call.signal);
    try {
      return { response: await send(call, limit.signal), limit };
    } catch (error) {
      limit.clear();
      throw explain(error, call.signal);
    }
  }

  async function readJson<T>(call: Call): Promise<T> {
    const { response, limit } = await open(call);
    try {
      return JSON.parse(await response.text()) as T;
    } catch (error) {
      throw explain(error, call.signal);
    } finally {
      limit.clear();
    }
  }

  function json<T>(call: Call): Promise<T> {
    const { maxRetries = options.maxRetries, signal } = call;
    return retrying({ runtime, maxRetries, signal }, () => readJson<T>(call));
  }

  function explain(error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    if (error instanceof SluiceApiError || error instanceof SluiceConnectionError) return error;
    return new SluiceConnectionError(`no whole answer from ${options.baseUrl}: ${whyOf(error)}`, {
      cause: error,
    });
  }

  return { options, json, open, explain };
}

/** With what lies under fetch's own "fetch failed". */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause as { message?: string; code?: string } | undefined;
  const deeper = cause?.message || cause?.code;
  return deeper === undefined ? error.message : `${error.message}: ${deeper}`;
}
