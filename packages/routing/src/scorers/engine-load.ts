import type { EngineLoad } from "@sluice/domain";
import type { Scorer } from "./scorer.ts";

/** What has not been read for this long says nothing of now: the engine counts as saturated. */
const staleMs = 5_000;

/** So many waiting requests leave half of the score. */
const halfWaiting = 5;

/** Queue and cache say how long a request will wait; a busy GPU alone does not, it is busy with one request too. */
const weights = { waiting: 2, cache: 2, gpu: 1 };

/**
 * The room that an engine reports: short queue, free KV cache, idle GPU. Absolute: a target without an engine has
 * all of it, a stale or unread engine none.
 */
export const engineLoad: Scorer = {
  name: "engine-load",
  score(candidates, scores, { now }) {
    for (const [i, { signals }] of candidates.entries())
      scores[i] = signals.engine === undefined ? 1 : roomOf(signals.engine, now);
    // Nobody has any: then it says nothing about the choice.
    if (scores.every((score) => score === 0)) scores.fill(1);
  },
};

/** Below this room an engine is saturated: a long queue before a full cache. */
const leastRoom = 0.25;

/** Whether an engine reports that a request would wait there; one that was not read for long counts as such. */
export function isSaturated(engine: EngineLoad | undefined, now: number): boolean {
  return engine !== undefined && roomOf(engine, now) < leastRoom;
}

function roomOf(engine: EngineLoad, now: number): number {
  if (now - engine.scrapedAt > staleMs) return 0;
  const parts: (readonly [number, number])[] = [];
  if (engine.waiting !== undefined)
    parts.push([weights.waiting, halfWaiting / (halfWaiting + engine.waiting)]);
  const cache = engine.kvCacheUsage ?? engine.gpuMemoryUsed;
  if (cache !== undefined) parts.push([weights.cache, 1 - Math.min(1, cache)]);
  if (engine.gpuUtilisation !== undefined) parts.push([weights.gpu, 1 - Math.min(1, engine.gpuUtilisation)]);
  const total = parts.reduce((sum, [weight]) => sum + weight, 0);
  // An engine that answers without saying anything of use is not known to be idle.
  if (total === 0) return 0;
  return parts.reduce((sum, [weight, room]) => sum + weight * room, 0) / total;
}
