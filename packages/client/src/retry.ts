import { SluiceApiError, SluiceConnectionError } from "./errors.ts";
import type { Runtime } from "./runtime.ts";

const firstDelayMs = 500;
const longestDelayMs = 8_000;
/** Whoever is told to wait longer is told so by the error, and decides. */
const longestRetryAfterSeconds = 60;

/**
 * How long to wait before the next try after `failures` in a row; `undefined` when there should be none. What the API
 * says of it comes first; up to a tenth is added, so that many clients do not come back at once. Without a word of
 * the API the delays double from 0.5 s to 8 s, each shortened by up to a half.
 */
function retryDelayMs(error: unknown, failures: number, random: () => number): number | undefined {
  if (!isTransient(error)) return undefined;
  const retryAfter = error instanceof SluiceApiError ? error.retryAfter : undefined;
  if (retryAfter !== undefined) {
    return retryAfter > longestRetryAfterSeconds ? undefined : retryAfter * 1000 * (1 + random() / 10);
  }
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - 1)) * (1 - random() / 2);
}

/** Whether another try may go better. */
function isTransient(error: unknown): boolean {
  if (error instanceof SluiceConnectionError) return true;
  if (!(error instanceof SluiceApiError)) return false;
  return error.shouldRetry ?? (error.status === 408 || error.status === 429 || error.status >= 500);
}

/** Who reads, or waits for room, outlasts a restart and more: nothing is lost by trying again. */
export const outageMs = 600_000;

/** How long somebody tries: so many times after the first, or through an outage of so many milliseconds. */
export type Patience = {
  readonly runtime: Pick<Runtime, "random" | "sleep" | "now">;
  readonly signal: AbortSignal | undefined;
} & ({ readonly maxRetries: number } | { readonly outageMs: number });

/** Counts failures in a row. */
export interface Retrier {
  succeeded(): void;
  /** Waits until the next try is due. Throws the error itself when there should be none. */
  failed(error: unknown): Promise<void>;
}

export function createRetrier(patience: Patience): Retrier {
  const { runtime, signal } = patience;
  let failures = 0;
  let wellAt = runtime.now();
  const isOver = (): boolean =>
    "maxRetries" in patience ? failures > patience.maxRetries : runtime.now() - wellAt > patience.outageMs;
  return {
    succeeded() {
      failures = 0;
      wellAt = runtime.now();
    },
    async failed(error) {
      failures += 1;
      const delayMs = isOver() ? undefined : retryDelayMs(error, failures, runtime.random);
      if (delayMs === undefined) throw error;
      await runtime.sleep(delayMs, signal);
    },
  };
}

/** Does something until it succeeds, fails for good, or the patience is over; then it throws the last error. */
export async function retrying<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  const retrier = createRetrier(patience);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await retrier.failed(error);
    }
  }
}
