import { parseConfig } from "@sluice/config";
import type { Arrival } from "../arrival.ts";

/** For tests: two modelled targets with limits on requests and tokens, one model, three classes. */
const text = (times: number) => `version: 1
providers:
  fast: { kind: simulator, ttft_ms: 300, tokens_per_second: 80 }
  slow: { kind: simulator, ttft_ms: 800, tokens_per_second: 40 }
pools:
  small:
    targets: [ { id: small, provider: fast, model: s, limits: { requests_per_minute: ${120 * times}, tokens_per_minute: ${60_000 * times} }, price: { input: 1, output: 2 } } ]
  large:
    targets: [ { id: large, provider: slow, model: l, limits: { requests_per_minute: ${60 * times}, tokens_per_minute: ${30_000 * times}, concurrency: ${20 * times} } } ]
models: { auto: { pools: [small, large] } }
tenants: { heavy: { weight: 2 } }
`;

/** The configuration of the scene, its limits so many times as high. */
export function sceneConfig(times = 1) {
  const result = parseConfig(text(times), { file: "scene.yaml", env: {} });
  if (!result.ok) throw new Error(result.errors[0]?.message);
  return result.config;
}

/** An arrival of 300 and 100 tokens in class `standard`. */
export function arrival(changes: Partial<Arrival> = {}): Arrival {
  return {
    atMs: 0,
    inputTokens: 300,
    outputTokens: 100,
    sla: "standard",
    tenant: "default",
    model: "auto",
    priority: 0,
    ...changes,
  };
}

/** So many arrivals, one every `gapMs`. */
export function arrivals(count: number, gapMs: number, changes: Partial<Arrival> = {}): Arrival[] {
  return Array.from({ length: count }, (_, n) => arrival({ ...changes, atMs: n * gapMs }));
}
