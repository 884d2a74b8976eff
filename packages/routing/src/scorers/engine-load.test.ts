import type { EngineLoad } from "@sluice/domain";
import { expect, test } from "vitest";
import { makeRequest, makeSignals, makeTarget } from "../testing/make-input.ts";
import { scorers } from "./index.ts";

const now = 100_000;

function scoresOf(loads: readonly (Partial<EngineLoad> | undefined)[]): number[] {
  const candidates = loads.map((load, i) => ({
    target: makeTarget(`t${i}`),
    signals: makeSignals(load === undefined ? {} : { engine: { scrapedAt: now, ...load } }),
  }));
  const scores = new Float64Array(loads.length);
  scorers.get("engine-load")?.score(candidates, scores, { request: makeRequest(), now });
  return [...scores].map((score) => Math.round(score * 1_000) / 1_000);
}

test.each<[string, (Partial<EngineLoad> | undefined)[], number[]]>([
  ["an idle engine has all its room", [{ waiting: 0, kvCacheUsage: 0 }, undefined], [1, 1]],
  ["five waiting requests leave half", [{ waiting: 5 }, { waiting: 0 }], [0.5, 1]],
  ["a full cache counts like an endless queue", [{ waiting: 0, kvCacheUsage: 1 }, {}], [0.5, 0]],
  [
    "a saturated engine comes after one that is not",
    [
      { waiting: 45, kvCacheUsage: 1 },
      { waiting: 1, kvCacheUsage: 0.2 },
    ],
    [0.05, 0.817],
  ],
  [
    "a busy GPU counts half as much",
    [{ waiting: 0, kvCacheUsage: 0, gpuUtilisation: 1 }, undefined],
    [0.8, 1],
  ],
  [
    "the GPU's memory stands in for a cache that is not known",
    [{ gpuMemoryUsed: 0.25 }, undefined],
    [0.75, 1],
  ],
  [
    "what is older than 5 s counts as saturated, not as idle",
    [
      { waiting: 0, scrapedAt: now - 5_001 },
      { waiting: 0, scrapedAt: now - 5_000 },
    ],
    [0, 1],
  ],
  ["what was never read counts as saturated", [{ scrapedAt: 0 }, { waiting: 45 }], [0, 0.1]],
  ["when all are saturated it says nothing", [{ scrapedAt: 0 }, { scrapedAt: 1 }], [1, 1]],
])("%s", (_, loads, expected) => {
  expect(scoresOf(loads)).toEqual(expected);
});
