import { type LedgerUse, type RebuildClaim, type TenantId, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createCountingIds, createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { sampleConfig, sampleTarget } from "../../../test/kit/samples.ts";
import { countedUse, keepCapacityWarm } from "./keep-capacity-warm.ts";

const nothing: LedgerUse = { sent: [], hours: [], running: [], budgets: [] };
const config = sampleConfig([sampleTarget("one")]);

/** A keeper whose claims are answered in turn; beyond them all is warm. */
function setup(answers: RebuildClaim[], hasAttempts = true) {
  const clock = createFakeClock();
  const logger = createRecordingLogger();
  const claims: (number | undefined)[] = [];
  const warmed: string[] = [];
  const reading = { answer: async (): Promise<LedgerUse> => nothing };
  const stop = keepCapacityWarm({
    clock,
    logger,
    ids: createCountingIds(),
    config: () => config,
    ledger: { hasAttempts: async () => hasAttempts, readUse: () => reading.answer() },
    capacity: {
      async claimRebuild({ settleMs }) {
        claims.push(settleMs);
        return answers.shift() ?? { kind: "warm" };
      },
      async warm(token) {
        warmed.push(token.slice(-2));
        return true;
      },
    },
  });
  return { clock, logger, claims, warmed, stop, reading };
}

const wait: RebuildClaim = { kind: "wait", waitMs: 500 };
const claimed: RebuildClaim = { kind: "claimed" };

describe("a worker that keeps capacity warm", () => {
  test("rebuilds it once it may, and says so", async () => {
    const { clock, warmed, logger, claims } = setup([{ kind: "warm" }, wait, wait, claimed]);
    await clock.advance(1_400);
    expect(warmed).toEqual([]);
    await clock.advance(200);
    expect(warmed).toEqual(["04"]);
    expect(claims).toEqual([1_000, 1_000, 1_000, 1_000]);
    expect(logger.entries.map(({ message }) => message)).toEqual(["capacity was rebuilt from the ledger"]);
  });

  test("does not wait for calls that are starting where none was ever started", async () => {
    const { warmed, claims } = setup([wait, claimed], false);
    await settled();
    expect(claims).toEqual([1_000, 0]);
    expect(warmed).toEqual(["01"]);
  });

  test("keeps its claim for as long as the ledger is read", async () => {
    const { clock, warmed, claims, reading } = setup([{ kind: "warm" }, claimed]);
    const { promise, resolve } = Promise.withResolvers<LedgerUse>();
    reading.answer = () => promise;
    await clock.advance(20_000);
    expect(warmed).toEqual([]);
    // Every two seconds; what is read now must not serve another cold.
    expect(claims).toEqual([1_000, 1_000, ...Array(9).fill(undefined)]);
    resolve(nothing);
    await settled();
    expect(warmed).toEqual(["02"]);
    const asked = claims.length;
    await clock.advance(499);
    expect(claims.length).toBe(asked);
  });

  test("tries again after a failure, and not after it was stopped", async () => {
    const { clock, warmed, stop, reading, logger } = setup([{ kind: "warm" }, claimed, claimed]);
    reading.answer = async () => {
      reading.answer = async () => nothing;
      throw new Error("the ledger is away");
    };
    await clock.advance(500);
    expect(logger.entries).toMatchObject([{ level: "warn" }]);
    await clock.advance(500);
    // What was asked for in vain must not serve either.
    expect(warmed).toEqual(["03"]);
    stop();
    expect(clock.pendingTimers()).toBe(0);
  });
});

test("only limits that are configured are counted for: tenants without any, and days without a limit, are left out", () => {
  const pool = {
    name: "main",
    targets: [sampleTarget("one"), sampleTarget("daily", { limits: { tokensPerDay: 5 } })],
  };
  const limited = sampleConfig([], {
    pools: { main: pool },
    tenants: {
      paying: { weight: 1, limits: { usdPerDay: 1 }, maxPriority: 9 },
      slow: { weight: 1, limits: { concurrency: 1 }, maxPriority: 9 },
    },
  });
  const amounts = { agoMs: 0, requests: 1, inputTokens: 1, outputTokens: 1 };
  const scopes = [
    { scope: "target", id: "one" },
    { scope: "target", id: "daily" },
    { scope: "tenant", id: "paying" },
    { scope: "tenant", id: "slow" },
    { scope: "tenant", id: "free" },
  ] as const;
  const call = (targetId: string, tenant: TenantId) => ({
    reservationId: "w/1",
    targetId,
    tenantId: tenant,
    startedAgoMs: 1,
    leaseMs: 1,
    inputTokens: 1,
    outputTokens: 1,
    usd: 0,
    budgets: [],
  });
  const counted = countedUse(
    {
      sent: scopes.map((scope) => ({ ...scope, ...amounts })),
      hours: scopes.map((scope) => ({ ...scope, hour: 1, tokens: 1, usd: 1 })),
      running: [
        call("daily", tenantId("paying")),
        call("one", tenantId("slow")),
        call("one", tenantId("free")),
      ],
      budgets: [],
    },
    limited,
  );
  expect(counted.sent.map(({ id }) => id)).toEqual(["one", "daily", "paying", "slow"]);
  expect(counted.hours.map(({ id }) => id)).toEqual(["daily", "paying"]);
  expect(counted.running.map((running) => running.scopes)).toEqual([
    [
      { scope: "target", id: "daily", countsDay: true },
      { scope: "tenant", id: "paying", countsDay: true },
    ],
    [
      { scope: "target", id: "one", countsDay: false },
      { scope: "tenant", id: "slow", countsDay: false },
    ],
    [{ scope: "target", id: "one", countsDay: false }],
  ]);
});
