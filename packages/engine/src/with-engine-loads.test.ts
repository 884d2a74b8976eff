import { expect, test } from "vitest";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { sampleTarget } from "../../../test/kit/samples.ts";
import { withEngineLoads } from "./with-engine-loads.ts";

test("the load of an engine stands in the signals of the targets behind it, and of no others", async () => {
  const load = { waiting: 3, scrapedAt: 1_000 };
  const engines = { load: (provider: string) => (provider === "gpu" ? load : undefined) };
  const targets = [sampleTarget("one", { provider: "gpu" }), sampleTarget("two", { provider: "hosted" })];
  const signals = await withEngineLoads(createScriptedCapacity(), engines).signals(targets);
  expect(signals["one"]).toMatchObject({ inFlight: 0, engine: load });
  expect(signals["two"]).not.toHaveProperty("engine");
});
