import { expect, test } from "vitest";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { sampleTarget } from "../../../test/kit/samples.ts";
import { withProviderSignals } from "./with-provider-signals.ts";

test("what is known of a provider stands in the signals of the targets behind it, and of no others", async () => {
  const load = { waiting: 3, scrapedAt: 1_000 };
  const health = { ok: true, checkedAt: 1_000, passedAt: 1_000, failures: 0, passes: 1 };
  const found = {
    engines: { load: (provider: string) => (provider === "gpu" ? load : undefined) },
    checks: { health: (provider: string) => (provider === "hosted" ? health : undefined) },
  };
  const targets = [sampleTarget("one", { provider: "gpu" }), sampleTarget("two", { provider: "hosted" })];
  const signals = await withProviderSignals(createScriptedCapacity(), found).signals(targets);
  expect(signals["one"]).toMatchObject({ inFlight: 0, engine: load });
  expect(signals["one"]).not.toHaveProperty("health");
  expect(signals["two"]).toMatchObject({ inFlight: 0, health });
  expect(signals["two"]).not.toHaveProperty("engine");
});
