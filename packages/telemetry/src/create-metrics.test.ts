import type { Metrics } from "@sluice/domain";
import { describe, expect, it } from "vitest";
import { createMetrics } from "./create-metrics.ts";
import { metricTable } from "./metric-table.ts";

const setup = () => createMetrics({ processMetrics: false });

describe("metrics", () => {
  it("render what was recorded in Prometheus' text format", async () => {
    const metrics = setup();
    metrics.increment("sluice_jobs_finished_total", { outcome: "succeeded" });
    metrics.increment("sluice_jobs_finished_total", { outcome: "succeeded" }, 2);
    metrics.observe("sluice_ledger_flush_rows", {}, 40);
    metrics.set("sluice_lane_depth", { lane: "small", state: "waiting" }, 7);
    metrics.set("sluice_lane_depth", { lane: "small", state: "waiting" }, 3);
    const text = await metrics.render();
    expect(text).toContain('sluice_jobs_finished_total{outcome="succeeded"} 3');
    expect(text).toContain('sluice_ledger_flush_rows_bucket{le="25"} 0');
    expect(text).toContain('sluice_ledger_flush_rows_bucket{le="50"} 1');
    expect(text).toContain('sluice_lane_depth{lane="small",state="waiting"} 3');
    expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  it("all stand in the output with help and type, before anything is recorded", async () => {
    const text = await setup().render();
    for (const [name, { type, help }] of Object.entries(metricTable)) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}`);
    }
  });

  it("have names that say their unit, counters ending in _total, and no label without bound", () => {
    for (const [name, { type, labels }] of Object.entries(metricTable)) {
      expect(name).toMatch(/^sluice_[a-z_]+$/);
      expect(name.endsWith("_total")).toBe(type === "counter");
      expect(labels).not.toEqual(expect.arrayContaining([expect.stringMatching(/tenant|job|url|id$/)]));
    }
  });

  it("are kept apart between two recorders of one process", async () => {
    const [one, other] = [setup(), setup()];
    one.increment("sluice_duplicate_spend_total");
    expect(await one.render()).toContain("sluice_duplicate_spend_total 1");
    expect(await other.render()).toContain("sluice_duplicate_spend_total 0");
  });

  it.each([
    ["an unknown name", (metrics: Metrics) => metrics.increment("sluice_typo_total"), /not in the table/],
    ["a name every object has", (metrics: Metrics) => metrics.increment("constructor"), /not in the table/],
    [
      "a missing label",
      (metrics: Metrics) => metrics.increment("sluice_spend_usd_total", {}),
      /labels \[target\], got \[\]/,
    ],
    [
      "an extra label",
      (metrics: Metrics) => metrics.increment("sluice_spend_usd_total", { target: "a", tenant: "b" }),
      /labels/,
    ],
    [
      "another type",
      (metrics: Metrics) => metrics.set("sluice_spend_usd_total", { target: "a" }, 1),
      /not a gauge/,
    ],
    [
      "a counter counting down",
      (metrics: Metrics) => metrics.increment("sluice_duplicate_spend_total", {}, -1),
      /value -1/,
    ],
    [
      "what is no number",
      (metrics: Metrics) => metrics.set("sluice_warnings", { cause: "a" }, Number.NaN),
      /value NaN/,
    ],
  ])(
    "refuse %s: by throwing, or by telling it once where a slip must not fail a job",
    (_, record, problem) => {
      expect(() => record(setup())).toThrow(problem);
      const told: string[] = [];
      const lenient = createMetrics({ processMetrics: false, onMisuse: (text) => told.push(text) });
      record(lenient);
      record(lenient);
      expect(told).toEqual([expect.stringMatching(problem)]);
    },
  );

  it("tell of the process itself: memory, CPU and the event loop's lag", async () => {
    const metrics = createMetrics();
    const text = await metrics.render();
    metrics.close();
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(text).toMatch(/^sluice_event_loop_lag_seconds [\d.e-]+$/m);
  });
});
