import { fromEnvironment } from "./environment.ts";
import { SluiceError } from "./errors.ts";
import { Jobs } from "./jobs.ts";
import { type Runtime, systemRuntime } from "./runtime.ts";
import { createTransport } from "./transport.ts";

/** Where the cluster is, and how patient the client. */
export interface SluiceOptions {
  /** Of the API; a `/v1` at its end may stand or not. Default: `SLUICE_URL`, then `http://localhost:8080`. */
  baseUrl?: string | undefined;
  /** Default: `SLUICE_API_KEY`. */
  apiKey?: string | undefined;
  /** In place of the global one, for proxies and tests. */
  fetch?: typeof fetch | undefined;
  /** New tries of one call after its first; 5 by default, about 15 seconds. */
  maxRetries?: number | undefined;
  /** For one try of one call; 60,000 by default. */
  timeoutMs?: number | undefined;
}

/** A client of one cluster with one key. */
export class Sluice {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly jobs: Jobs;

  /** `runtime` is for tests. Throws without a key. */
  constructor(options: SluiceOptions = {}, runtime: Runtime = systemRuntime(options.fetch)) {
    const { maxRetries = 5, timeoutMs = 60_000 } = options;
    this.baseUrl = withoutTail(options.baseUrl ?? fromEnvironment("SLUICE_URL") ?? "http://localhost:8080");
    this.apiKey = keyOf(options.apiKey ?? fromEnvironment("SLUICE_API_KEY"));
    const transport = createTransport({
      baseUrl: this.baseUrl,
      apiKey: this.apiKey,
      maxRetries,
      timeoutMs,
      runtime,
    });
    this.jobs = new Jobs(transport);
  }
}

function withoutTail(url: string): string {
  if (!/^https?:\/\//.test(url)) throw new SluiceError(`the URL of a cluster begins with http: '${url}'`);
  return url.replace(/\/+$/, "").replace(/\/v1$/, "");
}

function keyOf(key: string | undefined): string {
  if (key !== undefined && key.trim() !== "") return key.trim();
  throw new SluiceError(
    "no API key: give `apiKey` or set SLUICE_API_KEY (`npm start` keeps one in .sluice/admin-key)",
  );
}
