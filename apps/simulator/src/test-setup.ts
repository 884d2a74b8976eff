import { onTestFinished } from "vitest";
import type { SimulatorOptions } from "./options.ts";
import { type RunningSimulator, startSimulator } from "./server.ts";
import { createTestClient, type Seen, type TestClient } from "./test-client.ts";

export const completions = "/v1/chat/completions";

/** A simulator without latency and a client of it, both gone when the test ends. */
export async function setup(
  options: SimulatorOptions = {},
): Promise<{ simulator: RunningSimulator; client: TestClient }> {
  const simulator = await startSimulator({ ttftMs: 0, tokensPerSecond: 0, meanOutputTokens: 30, ...options });
  const client = createTestClient(simulator.url);
  onTestFinished(async () => {
    client.close();
    await simulator.close();
  });
  return { simulator, client };
}

/** The JSON of an answer, of whatever shape: a test reads what it expects. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
export const json = (seen: Seen): any => JSON.parse(seen.body);

/** Waits for what the server counts, not for time: vitest's timeout ends it when it never comes. */
export async function untilStats(
  simulator: RunningSimulator,
  holds: (stats: ReturnType<RunningSimulator["stats"]>) => boolean,
): Promise<void> {
  while (!holds(simulator.stats())) await new Promise((next) => setImmediate(next));
}
