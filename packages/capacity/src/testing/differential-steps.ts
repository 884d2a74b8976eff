import { type Budget, type CallSample, type OperatedTarget, tenantId } from "@sluice/domain";
import {
  type Arbitrary,
  array,
  boolean,
  constant,
  constantFrom,
  double,
  integer,
  oneof,
  option,
  record,
  shuffledSubarray,
} from "fast-check";
import { testTarget } from "./values.ts";

/** For the differential test: few targets with every kind of limit, so tight that they are full all the time. */
export const targets = {
  a: testTarget("a", { requestsPerMinute: 5, tokensPerMinute: 800, concurrency: 4 }),
  b: testTarget("b", { tokensPerMinute: 900, inputTokensPerMinute: 350, outputTokensPerMinute: 400 }),
  c: testTarget("c", { concurrency: 2, tokensPerDay: 1_500, usdPerDay: 0.01 }),
  d: testTarget("d", {}),
  /** Holds thousands of small calls. */
  e: testTarget("e", { tokensPerMinute: 3_000 }),
  /** Has so many places that slow start lets through a few more each second. */
  f: testTarget("f", { concurrency: 40 }),
};

export const tenants = {
  t1: { weight: 1, tenant: { id: tenantId("t1"), limits: {} } },
  t2: {
    weight: 0.5,
    tenant: { id: tenantId("t2"), limits: { requestsPerMinute: 6, tokensPerMinute: 900, concurrency: 3 } },
  },
  t3: { weight: 3, tenant: { id: tenantId("t3"), limits: { usdPerDay: 0.01 } } },
  t4: { weight: 1, tenant: { id: tenantId("t4"), limits: {} } },
};

export type TargetId = keyof typeof targets;
export type TenantName = keyof typeof tenants;

const healths: CallSample["health"][] = ["good", "failing", "unreachable", undefined];
const states: OperatedTarget["state"][] = ["active", "active", "active", "paused", "draining"];

export const orAbsent = <Value>(arbitrary: Arbitrary<Value>) => option(arbitrary, { nil: undefined });
const kind = <Kind extends string>(name: Kind): { kind: Arbitrary<Kind> } => ({ kind: constant(name) });

/** More than die in one step. */
export const owner = oneof(
  constantFrom("w1", "w2"),
  integer({ min: 3, max: 14 }).map((n) => `w${n}`),
);
/** Chooses among what is in flight. */
const which = integer({ min: 0, max: 1_000 });
const job = { job: integer({ min: 1, max: 25 }), lane: constantFrom("auto", "fast") };
export const tokens = oneof(
  { weight: 10, arbitrary: integer({ min: 0, max: 30 }) },
  { weight: 10, arbitrary: integer({ min: 0, max: 150 }) },
  { weight: 1, arbitrary: integer({ min: 1_000, max: 2_900 }) },
);

export const batchBudget: Budget = { key: "batch:1", usd: 0.012, window: "total" };

function asks(targetIds: readonly TargetId[], names: readonly TenantName[]) {
  const ask = {
    targets: shuffledSubarray([...targetIds], { minLength: 1, maxLength: Math.min(3, targetIds.length) }),
    tenant: constantFrom(...names),
    owner,
    inputTokens: tokens,
    outputTokens: tokens,
    costUsd: constantFrom(0, 0, 0.001, 0.004),
    budgets: constantFrom<Budget[]>(
      [],
      [],
      [batchBudget],
      [{ ...batchBudget, spentUsd: 0.006 }],
      [
        { key: "key:1", usd: 0.01, window: "day", spentUsd: 0.005 },
        { ...batchBudget, key: "batch:2", usd: 0.1, spentUsd: 0 },
      ],
    ),
    leaseMs: constantFrom(30_000, 30_000, 300_000, 4_000),
  };
  /** Takes no turn. */
  const reserve = record({ ...kind("reserve"), ...ask });
  /** A job asks its targets in turn and parks when none has room. */
  const come = record({
    ...kind("come"),
    ...ask,
    ...job,
    urgency: constantFrom(-50_000, 20_000, 300_000, 300_001, 900_000),
  });
  return { reserve, come };
}

/** Parks by what refused the job when it came last, however long ago. */
const parkLate = record({ ...kind("parkLate"), ...job });
const leave = record({ ...kind("leave"), ...job });
const settle = record({
  ...kind("settle"),
  which,
  inputTokens: oneof({ weight: 9, arbitrary: tokens }, { weight: 1, arbitrary: constant(undefined) }),
  outputTokens: orAbsent(integer({ min: 0, max: 300 })),
  costUsd: constantFrom(0, 0.001, 0.006, undefined),
  /** Where between reservation and settling it was sent. */
  sent: orAbsent(double({ min: 0, max: 1, noNaN: true })),
  latencyMs: constantFrom(3, 10, 80, 640.25, 2_000, 30_000, 5_000_000),
  health: constantFrom("good" as const, "good" as const, ...healths),
  isOverloaded: constantFrom(undefined, undefined, undefined, true),
});
/** Some reservations end twice. */
const release = record({ ...kind("release"), which, isKept: boolean() });
const renew = record({ ...kind("renew"), owner, leaseMs: constantFrom(30_000, 100_000) });
const reading = orAbsent(
  record({
    remaining: orAbsent(integer({ min: 0, max: 1_000 })),
    resetMs: orAbsent(constantFrom(0, 900.5, 20_000, 90_000)),
  }),
);

function upstream(targetIds: readonly TargetId[]) {
  const target = constantFrom(...targetIds);
  const learn = record({
    ...kind("learn"),
    target,
    requests: reading,
    tokens: reading,
    which: orAbsent(which),
  });
  const pause = record({
    ...kind("pause"),
    target,
    pauseMs: constantFrom(-1, 0, 700, 5_000.5, 90_000),
    reason: constantFrom("throttled", "other"),
  });
  const observe = record({
    ...kind("observe"),
    target,
    times: oneof(integer({ min: 1, max: 16 }), constant(60)),
    latencyMs: constantFrom(1, 20, 333.3, 4_000),
    firstTokenMs: constantFrom(undefined, 3, 210.7),
    health: constantFrom(...healths),
    ok: orAbsent(boolean()),
    isOverloaded: constantFrom(undefined, undefined, undefined, true),
    retryAfterMs: constantFrom(undefined, undefined, 7_000, 90_000),
    outputTokens: constantFrom(undefined, 0, 100),
    costUsd: constantFrom(undefined, 0.000_000_4, 0.25),
  });
  const operate = record({
    ...kind("operate"),
    target,
    state: constantFrom(...states),
    weight: constantFrom(undefined, undefined, 0, 0.1, 20),
    changedAt: constantFrom(1, 2, 2, 2, 2),
  });
  return { learn, pause, observe, operate };
}

/** The target fails, is called once more after its breaker has been open, and answers. */
function recoveries(targetIds: readonly TargetId[]) {
  return record({
    ...kind("recover"),
    target: constantFrom(...targetIds),
    passMs: constantFrom(5_000, 20_000, 60_000),
    /** What comes at once when it is back. */
    calls: integer({ min: 0, max: 30 }),
  });
}

/** Many small calls, one after the other. */
const burst = record({
  ...kind("burst"),
  target: constantFrom("d" as const, "e" as const),
  calls: constantFrom(150, 250, 600, 2_200),
});

/** Many jobs that want the same, of one tenant or of many. */
function crowds(targetIds: readonly TargetId[]) {
  return record({
    ...kind("crowd"),
    target: constantFrom(...targetIds),
    jobs: constantFrom(12, 70, 300),
    tenants: constantFrom(1, 3, 20, 90),
    outputTokens: integer({ min: 0, max: 60 }),
    urgency: constantFrom(10_000, 300_000),
  });
}

const signals = record(kind("signals"));
const pass = record({
  ...kind("pass"),
  ms: oneof(
    { weight: 15, arbitrary: constantFrom(1, 50, 250, 700, 1_000, 1_001, 5_000, 12_000, 31_000, 60_000) },
    { weight: 5, arbitrary: integer({ min: 0, max: 70_000 }) },
    { weight: 1, arbitrary: constantFrom(3_600_000, 90_000_000) },
  ),
});

function stepsOver(targetIds: readonly TargetId[], names: readonly TenantName[]) {
  const { reserve, come } = asks(targetIds, names);
  const { learn, pause, observe, operate } = upstream(targetIds);
  const [crowd, recover] = [crowds(targetIds), recoveries(targetIds)];
  return array(
    oneof(
      { weight: 30, arbitrary: reserve },
      { weight: 120, arbitrary: come },
      { weight: 10, arbitrary: parkLate },
      { weight: 10, arbitrary: leave },
      { weight: 80, arbitrary: settle },
      { weight: 20, arbitrary: release },
      { weight: 20, arbitrary: renew },
      { weight: 10, arbitrary: learn },
      { weight: 10, arbitrary: pause },
      { weight: 10, arbitrary: observe },
      { weight: 10, arbitrary: operate },
      { weight: 10, arbitrary: signals },
      { weight: 90, arbitrary: pass },
      { weight: 1, arbitrary: crowd },
      { weight: 5, arbitrary: recover },
      ...(targetIds.includes("e") ? [{ weight: 2, arbitrary: burst }] : []),
    ),
    { minLength: 10, maxLength: 120, size: "max" },
  );
}

const targetChoices: TargetId[][] = [
  ["a"],
  ["b"],
  ["c"],
  ["a", "b"],
  ["c", "d"],
  ["a", "b", "c", "d"],
  ["e"],
  ["f"],
];
const tenantChoices: TenantName[][] = [["t1"], ["t2"], ["t1", "t4"], ["t1", "t2", "t3", "t4"]];

/** For the differential test: what a cluster does to its capacity, in any order, to few targets or to all. */
export const differentialSteps = record({
  targetIds: constantFrom(...targetChoices),
  names: constantFrom(...tenantChoices),
}).chain(({ targetIds, names }) => stepsOver(targetIds, names));

export type ValueOf<Of> = Of extends Arbitrary<infer Value> ? Value : never;

export type DifferentialStep = ValueOf<typeof differentialSteps>[number];
export type StepOf<Kind> = Extract<DifferentialStep, { kind: Kind }>;
