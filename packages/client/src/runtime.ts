/** What the client takes from its surroundings, so that tests need not wait. */
export interface Runtime {
  readonly fetch: typeof fetch;
  /** Unix milliseconds. */
  now(): number;
  /** 0 to 1. */
  random(): number;
  /** Rejects with the signal's reason when it aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls back later, unless what it answers is called before. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** The real one. */
export function systemRuntime(ownFetch?: typeof fetch): Runtime {
  return {
    fetch: ownFetch ?? ((input, init) => globalThis.fetch(input, init)),
    now: Date.now,
    random: Math.random,
    sleep,
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
