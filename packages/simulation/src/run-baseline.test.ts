import { parseConfig } from "@sluice/config";
import { describe, expect, test } from "vitest";
import type { Arrival } from "./arrival.ts";
import { runBaseline } from "./run-baseline.ts";
import { arrival, arrivals, sceneConfig } from "./testing/scene.ts";

const config = sceneConfig();

function configOf(target: string, provider = "") {
  const text = `version: 1
providers: { p: { kind: simulator, ttft_ms: 1000, tokens_per_second: 100${provider} } }
pools: { main: { targets: [ { id: t, provider: p, model: m${target} } ] } }
models: { auto: { pools: [main] } }
sla_classes: { standard: { deadline: 15m, default: true, on_miss: best_effort }, interactive: { deadline: 30s } }
`;
  const result = parseConfig(text, { file: "scene.yaml", env: {} });
  if (!result.ok) throw new Error(result.errors[0]?.message);
  return result.config;
}

async function run(work: readonly Arrival[], changes: Partial<Parameters<typeof runBaseline>[1]> = {}) {
  return runBaseline("fifo", { config, seed: 1, workers: 1, concurrency: 2, arrivals: work, ...changes });
}

describe("a baseline", () => {
  test("works on as many jobs at once as there are slots, at the targets in turn", async () => {
    const { calls } = await run(arrivals(5, 0));
    expect(calls.map(({ target }) => target)).toEqual(["small", "large", "small", "large", "small"]);
    // 300 ms and 100 tokens at 80/s, 800 ms and 100 at 40/s.
    expect(calls.map(({ at }) => at)).toEqual([0, 0, 1_550, 3_100, 3_300]);
  });

  test("tries again after a growing pause what is refused, and says of it that it waits", async () => {
    const one = configOf(", limits: { requests_per_minute: 1 }");
    const { calls, jobs, samples } = await run(arrivals(2, 0), { config: one });
    expect(jobs.map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
    const ofSecond = calls.filter(({ job }) => job === 1);
    expect(ofSecond.slice(0, -1).every(({ ending }) => ending === "throttled")).toBe(true);
    expect(ofSecond.length).toBeGreaterThan(3);
    expect(ofSecond.at(-1)?.at).toBeGreaterThanOrEqual(60_000);
    expect(
      samples.filter(({ at }) => at > 5_000 && at < 60_000).map(({ waiting }) => waiting["standard"]),
    ).toContain(1);
  });

  test("ends at its deadline what is to expire, and gives up at last what can never be served", async () => {
    const never = configOf("", ", error_rate: 1");
    const { jobs } = await run([arrival(), arrival({ sla: "interactive" })], { config: never });
    expect(jobs.map(({ state }) => state)).toEqual(["dead", "expired"]);
    expect(jobs[0]?.finishedAt).toBeGreaterThanOrEqual(24 * 3_600_000);
    expect(jobs[1]?.finishedAt).toBeGreaterThanOrEqual(30_000);
  });
});
