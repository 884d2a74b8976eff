import { setTimeout as delay } from "node:timers/promises";

/** Far above what a slow machine needs: only a thing that never happens reaches it. */
const longestMs = 150_000;
const everyMs = 100;

/**
 * Reads a state again and again until `read` answers something else than `undefined`; a read that throws (a server is
 * down) is one more try. Throws after `giveUpAfterMs` (two and a half minutes), naming `what` and the last error.
 */
export async function until<T>(
  what: string,
  read: () => Promise<T | undefined>,
  giveUpAfterMs = longestMs,
): Promise<T> {
  const giveUpAt = performance.now() + giveUpAfterMs;
  let last: unknown;
  while (performance.now() < giveUpAt) {
    try {
      const value = await read();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await delay(everyMs);
  }
  throw new Error(`it did not happen: ${what}`, { cause: last });
}
