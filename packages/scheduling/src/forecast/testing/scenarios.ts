import { tenantId } from "@sluice/domain";
import type { Scenario, Traffic } from "./scenario.ts";

const [anna, ben] = [tenantId("anna"), tenantId("ben")];
const hourMs = 3_600_000;

/** Takes 10 usual jobs a second. */
const target = { id: "one", slots: 20, callMs: 2_000 };

const interactive = (jobsPerSecond: (atMs: number) => number): Traffic => ({
  tenantId: anna,
  candidateSet: "all",
  leadMs: 30_000,
  tokens: 1_000,
  jobsPerSecond,
});

const standard = (jobsPerSecond: (atMs: number) => number): Traffic => ({
  ...interactive(jobsPerSecond),
  leadMs: 900_000,
});

/** `high` for `forMs` of each `everyMs`, else `low`. */
function bursts(everyMs: number, forMs: number, [high, low]: readonly [number, number]) {
  return (atMs: number) => (atMs % everyMs < forMs ? high : low);
}

/** Interactive traffic that comes and goes, and every ten minutes more than the target takes of what has time. */
export const burstyQueue = (seed: number): Scenario => ({
  seed,
  untilMs: hourMs,
  targets: [target],
  sets: { all: ["one"] },
  traffic: [
    interactive((atMs) => 4 + 3 * Math.sin(atMs / 120_000)),
    standard(bursts(600_000, 60_000, [30, 0.5])),
  ],
});

/** The same with a target that takes twice as long for twenty minutes. */
export const slowQueue = (seed: number): Scenario => ({
  ...burstyQueue(seed),
  targets: [{ ...target, slowness: (atMs) => (atMs > 1_200_000 && atMs < 2_400_000 ? 2 : 1) }],
  traffic: [interactive(() => 3), standard(bursts(600_000, 60_000, [30, 0.5]))],
});

/** A bit more comes than the target takes, for half an hour. */
export const growingQueue = (seed: number): Scenario => ({
  ...burstyQueue(seed),
  untilMs: hourMs / 2,
  traffic: [standard(() => 11)],
});

/** Two tenants that share one of two targets through different candidate sets. */
export const sharedQueue = (seed: number): Scenario => ({
  seed,
  untilMs: hourMs,
  targets: [
    { ...target, id: "one", slots: 10 },
    { ...target, id: "two", slots: 10 },
  ],
  sets: { all: ["one", "two"], some: ["one"] },
  traffic: [
    standard(bursts(600_000, 120_000, [25, 2])),
    { ...standard(bursts(450_000, 60_000, [10, 1])), tenantId: ben, candidateSet: "some" },
  ],
});
