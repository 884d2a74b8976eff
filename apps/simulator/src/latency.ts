import type { Random } from "./random.ts";

/** How long one answer takes, in ms. */
export interface Latency {
  readonly firstTokenMs: number;
  readonly perTokenMs: number;
}

/** An upstream's speed; `jitter` is the share by which a call varies, `timeScale` divides everything. */
export interface LatencyModel {
  readonly ttftMs: number;
  readonly tokensPerSecond: number;
  readonly jitter: number;
  readonly timeScale: number;
}

/** Draws the latency of one call: time to the first token, then one token after the other. */
export function drawLatency(random: Random, model: LatencyModel): Latency {
  const factor = (1 + model.jitter * (2 * random() - 1)) / model.timeScale;
  const perTokenMs = model.tokensPerSecond === 0 ? 0 : 1000 / model.tokensPerSecond;
  return { firstTokenMs: model.ttftMs * factor, perTokenMs: perTokenMs * factor };
}

/** Until the last of `tokens` is there. */
export function totalMs({ firstTokenMs, perTokenMs }: Latency, tokens: number): number {
  return firstTokenMs + tokens * perTokenMs;
}
