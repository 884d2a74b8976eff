import { type ForecastSnapshot, type SetBacklog, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { type ForecastJob, predictWaitMs } from "./predict-wait.ts";
import { viewSet } from "./set-view.ts";

const [anna, ben, cleo] = [tenantId("anna"), tenantId("ben"), tenantId("cleo")];
const takenAt = 1_000_000;
const inAnHour = takenAt + 3_600_000;

type Waiting = { tenant: typeof anna; tokens: number; deadlineAt?: number; set?: string };

function setup(
  waiting: readonly Waiting[],
  options: {
    weights?: Record<string, number>;
    arrivals?: { tenant: typeof anna; leadMs: number; tokensPerSecond: number; usual?: number }[];
    targets?: ForecastSnapshot["targets"];
    sets?: Record<string, string[]>;
    of?: string[];
  } = {},
) {
  const targets = options.targets ?? { one: { tokensPerSecond: 100 } };
  const members = options.sets ?? { all: ["one"] };
  const sets: SetBacklog[] = Object.entries(members).map(([candidateSet, ids]) => ({
    candidateSet,
    targets: ids,
    flows: [anna, ben, cleo].map((tenant) => ({
      tenantId: tenant,
      bands: waiting
        .filter((each) => each.tenant === tenant && (each.set ?? "all") === candidateSet)
        .map(({ tokens, deadlineAt = inAnHour }) => ({
          earliestAt: deadlineAt,
          latestAt: deadlineAt,
          tokens,
        })),
      arrivals: (options.arrivals ?? [])
        .filter((each) => each.tenant === tenant)
        .map(({ leadMs, tokensPerSecond, usual = tokensPerSecond }) => ({
          leadMs,
          tokensPerSecond,
          usualTokensPerSecond: usual,
        })),
    })),
  }));
  const weightOf = (tenant: string) => options.weights?.[tenant] ?? 1;
  const view = viewSet({ takenAt, targets, sets }, options.of ?? ["one"], weightOf);
  return (job: Partial<ForecastJob> = {}) => {
    const seconds =
      predictWaitMs(view, {
        tenantId: anna,
        weight: weightOf(job.tenantId ?? anna),
        tokens: 100,
        effectiveDeadlineAt: inAnHour,
        place: "last",
        addedTokens: 0,
        ...job,
      }) / 1000;
    return Number.isFinite(seconds) ? Number(seconds.toPrecision(2)) : seconds;
  };
}

describe("a job's wait", () => {
  test("is nothing while nothing waits", () => {
    expect(setup([])()).toBe(0);
  });

  test("lasts until what is ahead of it and itself are served", () => {
    expect(setup([{ tenant: anna, tokens: 900 }])()).toBe(10);
  });

  test("counts what came after the view was taken", () => {
    expect(setup([])({ addedTokens: 900 })).toBe(10);
  });

  test("is not for what has a later effective deadline", () => {
    const wait = setup([{ tenant: anna, tokens: 900 }]);
    expect(wait({ effectiveDeadlineAt: inAnHour - 1 })).toBe(1);
  });

  test("is for half of those with the same deadline when it is among them, for all when it comes last", () => {
    const wait = setup([{ tenant: anna, tokens: 1_800 }]);
    expect(wait({ place: "among" })).toBe(10);
    expect(wait({ place: "last" })).toBe(19);
  });

  test("grows by more urgent work that keeps coming, as long as that can overtake it", () => {
    const arrivals = [{ tenant: anna, leadMs: 30_000, tokensPerSecond: 50 }];
    const waiting = [{ tenant: anna, tokens: 900 }];
    expect(setup(waiting, { arrivals })()).toBe(20);
    const late = [{ tenant: anna, tokens: 900, deadlineAt: takenAt }];
    expect(setup(late, { arrivals })({ effectiveDeadlineAt: takenAt + 40_000 })).toBe(15);
    expect(setup(late, { arrivals })({ effectiveDeadlineAt: takenAt + 30_000 })).toBe(10);
  });

  test("takes what comes in the long run for what usually comes", () => {
    const arrivals = [{ tenant: anna, leadMs: 30_000, tokensPerSecond: 80, usual: 20 }];
    // 300 s leave 6,000 of 29,900 + 100; the rest goes at 80 a second.
    expect(setup([{ tenant: anna, tokens: 29_900 }], { arrivals })()).toBe(600);
  });

  test("never ends when more urgent work takes all there is", () => {
    const arrivals = [{ tenant: anna, leadMs: -1e12, tokensPerSecond: 100 }];
    expect(setup([{ tenant: anna, tokens: 900 }], { arrivals })({ effectiveDeadlineAt: 1e15 })).toBe(
      Number.POSITIVE_INFINITY,
    );
  });
});

describe("beside other tenants", () => {
  test("a tenant has its share by weight, whatever their deadlines", () => {
    const waiting = [
      { tenant: anna, tokens: 900 },
      { tenant: ben, tokens: 100_000, deadlineAt: takenAt },
    ];
    expect(setup(waiting)()).toBe(20);
    expect(setup(waiting, { weights: { ben: 3 } })()).toBe(40);
  });

  test("what one that runs dry leaves goes to the others", () => {
    const waiting = [
      { tenant: anna, tokens: 900 },
      { tenant: ben, tokens: 300 },
      { tenant: cleo, tokens: 100_000 },
    ];
    expect(setup(waiting)()).toBe(23);
  });

  test("those that have nothing waiting take what keeps coming, up to their share", () => {
    const slow = [{ tenant: ben, leadMs: 30_000, tokensPerSecond: 20 }];
    const flood = [{ tenant: ben, leadMs: 30_000, tokensPerSecond: 1_000 }];
    const waiting = [{ tenant: anna, tokens: 700 }];
    expect(setup(waiting, { arrivals: slow })()).toBe(10);
    expect(setup(waiting, { arrivals: flood })()).toBe(16);
  });
});

describe("beside other candidate sets", () => {
  const targets = { one: { tokensPerSecond: 100 }, two: { tokensPerSecond: 300 } };

  test("the part of their backlog counts that goes to shared targets", () => {
    const sets = { all: ["one", "two"], some: ["one"] };
    const wait = setup([{ tenant: anna, tokens: 3_600 }], { targets, sets, of: ["one"] });
    expect(wait()).toBe(10);
  });

  test("what only other targets serve does not count", () => {
    const sets = { all: ["two"], some: ["one"] };
    expect(setup([{ tenant: anna, tokens: 3_600 }], { targets, sets, of: ["one"] })()).toBe(0);
  });
});

describe("when targets take nothing", () => {
  test("the others serve", () => {
    const targets = { one: { tokensPerSecond: 100, isClosed: true as const }, two: { tokensPerSecond: 300 } };
    const sets = { all: ["one", "two"] };
    expect(setup([{ tenant: anna, tokens: 2_900 }], { targets, sets, of: ["one", "two"] })()).toBe(10);
  });

  test("a job waits until the first opens, and for what is ahead of it then", () => {
    const one = { tokensPerSecond: 100, isClosed: true as const, opensAt: takenAt + 60_000 };
    expect(setup([], { targets: { one } })()).toBe(60);
    expect(setup([{ tenant: anna, tokens: 900 }], { targets: { one } })()).toBe(70);
  });

  test("and nobody knows until when, no end is predicted", () => {
    const one = { tokensPerSecond: 100, isClosed: true as const };
    expect(setup([], { targets: { one } })()).toBe(Number.POSITIVE_INFINITY);
  });
});
