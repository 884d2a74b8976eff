import { type BacklogSum, type ForecastReport, type TargetSignals, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createForecastKeeper, type ForecastKeeper } from "./keep-forecast.ts";

const anna = tenantId("anna");

const idle: TargetSignals = {
  inFlight: 0,
  requestsUsed: 0,
  tokensUsed: 0,
  concurrencyUsed: 0,
  latencyMs: 2_000,
  errorRate: 0,
  pausedUntil: 0,
};

function waiting(tokens: number, changes: Partial<BacklogSum> = {}): BacklogSum {
  const deadlines = { earliestAt: 1, latestAt: 2 };
  return {
    candidateSet: "all",
    tenantId: anna,
    state: "waiting",
    ...deadlines,
    jobs: 1,
    tokens,
    parked: 0,
    ...changes,
  };
}

interface Second {
  readonly sums?: readonly BacklogSum[];
  readonly served?: number;
  readonly signals?: TargetSignals | undefined;
  readonly report?: Partial<ForecastReport>;
}

function pass(
  keeper: ForecastKeeper,
  now: number,
  { sums = [], served = 0, report = {}, ...rest }: Second = {},
) {
  const signals = "signals" in rest ? rest.signals : idle;
  return keeper.next({
    now,
    reading: { sums, overdue: [] },
    targets: [{ target: { id: "one", limits: { concurrency: 10 } }, signals }],
    targetsOf: () => ["one"],
    reports: [
      {
        served: served === 0 ? [] : [{ targetId: "one", jobs: served / 100, tokens: served }],
        arrivals: [],
        finished: [],
        ...report,
      },
    ],
  });
}

function pacesOf(seconds: number, second: Second): number {
  const keeper = createForecastKeeper();
  let snapshot = pass(keeper, 0, second);
  for (let at = 1; at <= seconds; at += 1) snapshot = pass(keeper, at * 1000, second);
  return snapshot.targets["one"]?.tokensPerSecond ?? 0;
}

describe("a target's pace", () => {
  test("is what its limits and its latency allow while little comes", () => {
    // 5 calls a second of 100 tokens.
    expect(pacesOf(300, { served: 200 })).toBeCloseTo(500, -1);
  });

  test("is what it takes while there is always work", () => {
    expect(pacesOf(300, { served: 200, sums: [waiting(100_000)] })).toBeCloseTo(200, -1);
    expect(pacesOf(300, { served: 200, sums: [waiting(100, { parked: 1 })] })).toBeCloseTo(200, -1);
  });

  test("is at least what it takes", () => {
    expect(pacesOf(300, { served: 900 })).toBeCloseTo(900, -1);
  });

  test("is not measured while it takes nothing", () => {
    const paused = { ...idle, pausedUntil: 1e9 };
    expect(pacesOf(300, { served: 0, sums: [waiting(100_000)], signals: paused })).toBeGreaterThan(1_000);
  });
});

describe("a snapshot", () => {
  test("says since when and until when a target takes nothing", () => {
    const keeper = createForecastKeeper();
    const of = (signals: Partial<TargetSignals>) =>
      pass(keeper, 1_000, { signals: { ...idle, ...signals } }).targets["one"];
    expect(of({})).not.toHaveProperty("isClosed");
    expect(of({ pausedUntil: 5_000 })).toMatchObject({ isClosed: true, opensAt: 5_000 });
    expect(of({ breaker: "open", reopensAt: 7_000 })).toMatchObject({ isClosed: true, opensAt: 7_000 });
    expect(of({ operated: "paused", pausedUntil: 5_000 })).toMatchObject({ isClosed: true });
    expect(of({ operated: "paused", pausedUntil: 5_000 })).not.toHaveProperty("opensAt");
    expect(of({ breaker: "open", pausedUntil: 5_000 })).not.toHaveProperty("opensAt");
  });

  test("has waiting jobs by flow and all unfinished ones by tenant", () => {
    const sums = [
      waiting(100),
      waiting(300, { earliestAt: 3, latestAt: 4, jobs: 2 }),
      waiting(50, { state: "running" }),
    ];
    const snapshot = pass(createForecastKeeper(), 0, { sums });
    expect(snapshot.sets).toMatchObject([
      {
        candidateSet: "all",
        targets: ["one"],
        flows: [{ tenantId: "anna", bands: [{ tokens: 100 }, { tokens: 300 }] }],
      },
    ]);
    expect(snapshot.tenants).toEqual({ anna: { waitingTokens: 400, runningTokens: 50 } });
    expect(snapshot.jobs).toBe(4);
  });

  test("has what keeps coming, also where nothing waits", () => {
    const keeper = createForecastKeeper();
    pass(keeper, 0);
    const arrivals = [{ candidateSet: "all", tenantId: anna, leadMs: 30_000, tokens: 500 }];
    let snapshot = pass(keeper, 1_000, { report: { arrivals } });
    for (let second = 2; second <= 600; second += 1)
      snapshot = pass(keeper, second * 1_000, { report: { arrivals } });
    const [rate] = snapshot.sets[0]?.flows[0]?.arrivals ?? [];
    expect(rate?.leadMs).toBe(30_000);
    expect(rate?.tokensPerSecond).toBeCloseTo(500, -2);
    expect(rate?.usualTokensPerSecond).toBeCloseTo(500, -2);
  });

  test("says how estimates of late were kept, by model", () => {
    const estimate = { waitMs: 0, serviceMs: 1_000, p50At: 1_000, p95At: 2_000 };
    const finished = [900, 1_500, 2_500].map((finishedAt) => ({
      candidateSet: "all",
      model: "auto",
      acceptedAt: 0,
      leadMs: 30_000,
      finishedAt,
      estimate,
    }));
    const { records } = pass(createForecastKeeper(), 3_000, { report: { finished } });
    expect(records).toEqual({ auto: { finished: 3, byP50: 1, byP95: 2 } });
    const next = pass(
      createForecastKeeper(pass(createForecastKeeper(), 3_000, { report: { finished } })),
      4_000,
    );
    expect(next.records).toEqual(records);
  });

  test("of a new leader goes on from the last one's paces", () => {
    const keeper = createForecastKeeper();
    let last = pass(keeper, 0);
    for (let second = 1; second <= 120; second += 1)
      last = pass(keeper, second * 1_000, { served: 100, sums: [waiting(100_000)] });
    const next = pass(createForecastKeeper(last), 121_000, { sums: [waiting(100_000)] });
    expect(next.targets["one"]?.tokensPerSecond).toBeLessThan(1_500);
  });
});
