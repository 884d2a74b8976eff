import { setTimeout as delay } from "node:timers/promises";

/** How often a condition outside of this process (a file, a port, another process) is looked at, in milliseconds. */
const pollMs = 20;

/** Waits until `condition` holds; answers false when it does not within `timeoutMs`. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await delay(pollMs);
  }
  return true;
}
