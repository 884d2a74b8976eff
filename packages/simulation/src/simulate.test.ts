import { describe, expect, test } from "vitest";
import { mergeArrivals } from "./arrival.ts";
import { seededRandom } from "./seeded-random.ts";
import { schedulers, simulate } from "./simulate.ts";
import { arrival, arrivals, sceneConfig } from "./testing/scene.ts";

const config = sceneConfig();
const options = { config, seed: 1, workers: 2, concurrency: 16 };

async function runOf(
  work: Parameters<typeof simulate>[0]["arrivals"],
  changes: Partial<typeof options> = {},
) {
  const { report, logs } = await simulate({ ...options, ...changes, arrivals: work }, ["sluice"]);
  const [run] = report.runs;
  const [log] = logs;
  if (run === undefined || log === undefined) throw new Error("nothing ran");
  return { run, log };
}

describe("simulate", () => {
  test("brings every job to one end, with one call each, and never above a limit", async () => {
    const { run, log } = await runOf(arrivals(600, 100));
    expect([run.jobs, run.succeeded, run.calls, run.throttled]).toEqual([600, 600, 600, 0]);
    expect(log.jobs.every((job) => job.state === "succeeded" && (job.finishedAt ?? 0) > job.arrivedAt)).toBe(
      true,
    );
    expect(run.spend_usd).toBeGreaterThan(0);
  });

  test("says the same again for the same seed, and something else for another", async () => {
    const work = mergeArrivals([arrivals(200, 150), arrivals(300, 0, { sla: "batch", tenant: "night" })]);
    const failing = { ...config, providers: { ...config.providers } };
    for (const [name, provider] of Object.entries(config.providers))
      if (provider.kind === "simulator") failing.providers[name] = { ...provider, errorRate: 0.1 };
    const run = async (seed: number) => {
      const { report } = await simulate({ ...options, config: failing, seed, arrivals: work }, schedulers);
      return JSON.stringify(report);
    };
    expect(await run(7)).toBe(await run(7));
    expect(await run(7)).not.toBe(await run(8));
  });

  test("runs urgent work before a backlog that came first, and uses what is left for it", async () => {
    const urgent = arrivals(100, 1_000, { sla: "interactive" });
    const { run } = await runOf(mergeArrivals([arrivals(800, 0, { sla: "batch" }), urgent]));
    expect(run.classes["interactive"]?.attained).toBe(1);
    expect(run.classes["batch"]?.attained).toBe(1);
    const use = Object.values(run.utilisation).map(({ requests, tokens }) =>
      Math.max(requests ?? 0, tokens ?? 0),
    );
    expect(Math.max(...use)).toBeGreaterThan(0.85);
  });

  test("shares by weight and tokens between tenants that are both backlogged", async () => {
    const heavy = arrivals(3_000, 0, { tenant: "heavy" });
    const light = arrivals(1_000, 0, { tenant: "light", inputTokens: 900 });
    const { run } = await runOf(mergeArrivals([heavy, light]), { config: sceneConfig(4) });
    expect(run.tenants["heavy"]?.jain_window).toBeGreaterThan(0.98);
  });

  test("expires what is too late, and says who was refused how often without reservations", async () => {
    const work = arrivals(700, 0, { sla: "interactive" });
    const { report } = await simulate({ ...options, arrivals: work }, schedulers);
    for (const run of report.runs) {
      expect(run.succeeded + run.expired).toBe(700);
      expect(run.expired).toBeGreaterThan(0);
      expect(run.classes["interactive"]?.attained).toBeLessThan(1);
    }
    const throttled = Object.fromEntries(report.runs.map((run) => [run.scheduler, run.throttled]));
    expect(throttled["sluice"]).toBe(0);
    expect(throttled["fifo"]).toBeGreaterThan(100);
  });

  test("serves by class and not by arrival when static-priority is asked for", async () => {
    const work = [...arrivals(100, 0, { sla: "batch" }), ...arrivals(20, 0, { sla: "interactive" })];
    const { report } = await simulate({ ...options, arrivals: work }, ["fifo", "static-priority"]);
    const [fifo, ranked] = report.runs.map((run) => run.classes["interactive"]?.wait_ms.p95 ?? 0);
    expect(ranked).toBeLessThan(fifo ?? 0);
  });

  test("refuses an arrival that names an unknown model or class", async () => {
    await expect(runOf([arrival({ model: "none" })])).rejects.toThrow("model");
    await expect(runOf([arrival({ sla: "none" })])).rejects.toThrow("sla");
  });
});

test("estimates are kept as often as they promise, beside a heap that nobody could foresee", {
  timeout: 60_000,
}, async () => {
  const random = seededRandom(4, "traffic");
  const drawn = (count: number, gapMs: number, sla: string) =>
    arrivals(count, gapMs, { sla }).map((each) => ({
      ...each,
      atMs: Math.round(each.atMs + (random.next() - 0.5) * 20 * gapMs + 10 * gapMs),
      inputTokens: Math.round(100 + 400 * random.next()),
      outputTokens: Math.round(20 + 160 * random.next()),
    }));
  const work = mergeArrivals([
    drawn(3_000, 1_000, "interactive"),
    // Comes in heaps of a hundred.
    drawn(1_500, 2_000, "standard").map((each, n) => ({ ...each, atMs: Math.floor(n / 100) * 200_000 })),
    arrivals(300, 0, { sla: "batch" }),
  ]);
  const { run } = await runOf(work, { config: sceneConfig(0.5) });
  expect(run.eta.p95_coverage).toBeGreaterThanOrEqual(0.9);
  expect(run.eta.p95_coverage).toBeLessThanOrEqual(0.99);
  expect(run.eta.p50_coverage).toBeGreaterThanOrEqual(0.4);
  expect(run.eta.p50_coverage).toBeLessThanOrEqual(0.6);
  expect(run.eta.width_ms).toBeLessThan((run.eta.constant_width_ms ?? 0) / 2);
  for (const { eta } of [run.classes["interactive"], run.classes["standard"]].flatMap((each) => each ?? [])) {
    expect(eta.p95_coverage).toBeGreaterThanOrEqual(0.9);
    expect(eta.p95_coverage).toBeLessThanOrEqual(0.99);
  }
});
