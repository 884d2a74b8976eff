import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfig } from "@sluice/config";
import { expect, test } from "vitest";
import { skipUnless } from "../../../test/kit/skip.ts";
import { mergeArrivals } from "./arrival.ts";
import { seededRandom } from "./seeded-random.ts";
import { simulate } from "./simulate.ts";
import { makeBacklog } from "./traces/make-backlog.ts";
import { readTrace } from "./traces/read-trace.ts";

const minutes = 6;

/** The configuration of the benchmark. */
function exampleConfig() {
  const file = join(import.meta.dirname, "../../../examples/simulation.yaml");
  const result = parseConfig(readFileSync(file, "utf8"), { file, env: {} });
  if (!result.ok) throw new Error(result.errors[0]?.message);
  return result.config;
}

test("real traffic at 90 % of the limits beside a backlog is in time without a 429, and nearly all is used", {
  timeout: 120_000,
}, async (context) => {
  const wanted = "azure2023_conv.csv";
  const shared = process.env["SLUICE_SHARED_DIR"] ?? "none";
  const folder = [join(shared, "data"), shared].find((place) => existsSync(join(place, wanted)));
  skipUnless(context, folder !== undefined, `needs SLUICE_SHARED_DIR with ${wanted}`);
  const read = (name: string, sla: string) =>
    readTrace(name, readFileSync(join(folder, name), "utf8"), {
      sla,
      ...{ tenant: "default", model: "auto", priority: 0 },
    });
  // Both last 24 minutes at 755,000 tokens a minute; the limits are 700,000.
  const traced = mergeArrivals([read(wanted, "interactive"), read("azure2023_code.csv", "standard")])
    .map((arrival) => ({ ...arrival, atMs: Math.round(arrival.atMs * (755 / 700 / 0.9)) }))
    .filter(({ atMs }) => atMs < minutes * 60_000);
  const shape = { jobs: 2_000, inputTokens: 800, outputTokens: 200, sla: "batch", tenant: "default" };
  const backlog = makeBacklog({ ...shape, model: "auto", priority: 0 }, seededRandom(1, "backlog"));
  const options = { config: exampleConfig(), seed: 1, workers: 2, concurrency: 64 };
  const { report } = await simulate({ ...options, arrivals: mergeArrivals([traced, backlog]) }, ["sluice"]);
  const [run] = report.runs;
  expect(run?.throttled).toBe(0);
  expect(run?.classes["interactive"]?.attained).toBeGreaterThan(0.99);
  for (const use of Object.values(run?.utilisation ?? {})) expect(use.tokens).toBeGreaterThan(0.93);
});
