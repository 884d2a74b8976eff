import {
  type EngineConfig,
  idFromUuid,
  type JobToRun,
  type ParkAnswer,
  type Refusal,
  type Target,
} from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createMemoryPurse } from "../../../test/kit/fakes/memory-purse.ts";
import { createRecordingMetrics } from "../../../test/kit/fakes/records.ts";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { sampleConfig, sampleJob, sampleTarget, sampleUuid } from "../../../test/kit/samples.ts";
import { cacheSignals, placeJob } from "./place-job.ts";
import { createTurns } from "./turns.ts";

const job: JobToRun = { ...sampleJob, failedTargets: [], ownerAlive: false };

function setup(targets?: readonly Target[], changes?: Partial<EngineConfig>) {
  const clock = createFakeClock();
  const capacity = createScriptedCapacity();
  const config = sampleConfig(targets, changes);
  const draws: number[] = [];
  const ports = {
    capacity,
    clock,
    signals: cacheSignals({ capacity, clock }),
    random: { next: () => draws.shift() ?? 0 },
    turns: createTurns(),
    files: createMemoryFiles(),
    purse: createMemoryPurse(),
    metrics: createRecordingMetrics(),
    config: () => config,
  };
  return {
    ...ports,
    draws,
    place: (changed: Partial<JobToRun> = {}) => placeJob(ports, { ...job, ...changed }, "wrk_1"),
  };
}

function roomFor([first]: readonly Refusal[]): ParkAnswer {
  if (first === undefined) throw new Error("nothing was refused");
  return { kind: "room", request: first.request };
}

describe("placeJob", () => {
  test("reserves room on the best target for the worker that asks", async () => {
    const { place, capacity } = setup();
    const placement = await place();
    expect(placement).toMatchObject({ kind: "placed", route: { heldBack: [] } });
    if (placement.kind !== "placed") return;
    expect(placement.route.chosen).toBe(placement.target.id);
    expect(placement.reservation.targetId).toBe(placement.target.id);
    expect(capacity.requests).toHaveLength(1);
    expect(capacity.requests[0]).toMatchObject({ owner: "wrk_1", inputTokens: 7, tenant: { id: "default" } });
  });

  test("falls to the next target when the first is full, and says what held it back", async () => {
    const { place, capacity } = setup();
    const first = await place();
    const full = first.kind === "placed" ? first.target.id : "";
    capacity.full.set(full, { limit: "concurrency", waitMs: 900 });
    const second = await place();
    expect(second.kind === "placed" && second.target.id).not.toBe(full);
    expect(second).toMatchObject({
      kind: "placed",
      route: { heldBack: [{ target: full, limit: "concurrency", waitMs: 900 }] },
    });
    expect(second.kind === "placed" && second.route.chosen === second.target.id).toBe(true);
  });

  test("is held until the earliest target has room when all are full", async () => {
    const { place, capacity, clock } = setup();
    capacity.full.set("one", { limit: "tokens", waitMs: 5_000 });
    capacity.full.set("two", { limit: "requests", waitMs: 2_000 });
    expect(await place()).toEqual({ kind: "held", at: clock.now() + 2_000, limit: "requests" });
    expect(capacity.open.size).toBe(0);
  });

  test("parks the job, with its place in the order, at all targets that refused it", async () => {
    const { place, capacity } = setup();
    capacity.full.set("one", { limit: "tokens", waitMs: 5_000 });
    capacity.full.set("two", { limit: "requests", waitMs: 2_000 });
    await place();
    const { id: jobId, model, effectiveDeadlineAt, tenantId } = job;
    expect(capacity.parked).toHaveLength(1);
    expect(capacity.parked[0]?.turn).toEqual({ jobId, model, effectiveDeadlineAt, tenantId, weight: 1 });
    const refused = capacity.parked[0]?.refusals.map(({ request, limit }) => [request.target.id, limit]);
    expect(refused?.toSorted()).toEqual([
      ["one", "tokens"],
      ["two", "requests"],
    ]);
  });

  test("takes the room that came free before it was parked", async () => {
    const { place, capacity } = setup([sampleTarget("one")]);
    capacity.full.set("one", { limit: "tokens", waitMs: 5_000 });
    capacity.parking.push((refusals) => {
      capacity.full.clear();
      return roomFor(refusals);
    });
    expect(await place()).toMatchObject({
      kind: "placed",
      target: { id: "one" },
      route: { chosen: "one", heldBack: [{ target: "one", limit: "tokens" }] },
    });
  });

  test("comes back after what the refusals said, at odds with others, when that room is gone again", async () => {
    const { place, capacity, clock, draws } = setup([sampleTarget("one")]);
    capacity.full.set("one", { limit: "tokens", waitMs: 1_000 });
    capacity.parking.push(roomFor);
    draws.push(0.5, 0.999);
    const placement = await place();
    expect(placement.kind === "held" && placement.at - clock.now()).toBeCloseTo(1_249.75);
  });

  test.each([
    [0, 10],
    [-5, 10],
    [250_000, 250_000],
  ])("a parked job looks by itself after the %d ms that it was told", async (waitMs, expected) => {
    const { place, capacity, clock } = setup([sampleTarget("one")]);
    capacity.full.set("one", { limit: "tokens", waitMs });
    expect(await place()).toMatchObject({ kind: "held", at: clock.now() + expected });
  });

  test("waits for the first pause to end when all targets are paused", async () => {
    const { place, capacity, clock } = setup();
    capacity.known.set("one", { pausedUntil: clock.now() + 9_000 });
    capacity.known.set("two", { pausedUntil: clock.now() + 4_000 });
    expect(await place()).toEqual({ kind: "held", at: clock.now() + 4_000, limit: "paused" });
    expect(capacity.requests).toEqual([]);
  });

  test("waits for the first breaker to reopen when all targets are failing", async () => {
    const { place, capacity, clock } = setup();
    capacity.known.set("one", { breaker: "open", reopensAt: clock.now() + 9_000 });
    capacity.known.set("two", { breaker: "open", reopensAt: clock.now() + 4_000 });
    expect(await place()).toMatchObject({ kind: "held", at: clock.now() + 4_000 });
    expect(capacity.requests).toEqual([]);
  });

  test("asks for room with the urgency of the job and the weight of its tenant", async () => {
    const tenants = { default: { weight: 3, limits: {}, maxPriority: 9 } };
    const { place, capacity, clock } = setup([sampleTarget("one")], { tenants });
    await place({ effectiveDeadlineAt: clock.now() + 1_234 });
    const turn = { effectiveDeadlineAt: clock.now() + 1_234, tenantId: job.tenantId, weight: 3 };
    expect(capacity.requests).toMatchObject([{ turn }]);
  });

  test("looks again within a minute at a target that is paused for long", async () => {
    const { place, capacity, clock } = setup([sampleTarget("one")]);
    capacity.known.set("one", { pausedUntil: clock.now() + 86_400_000 });
    expect(await place()).toMatchObject({ kind: "held", at: clock.now() + 60_000 });
  });

  test("uses a target that is not paused", async () => {
    const { place, capacity, clock } = setup();
    capacity.known.set("one", { pausedUntil: clock.now() + 9_000 });
    expect(await place()).toMatchObject({ kind: "placed", target: { id: "two" } });
  });

  test("is unservable when every target is ruled out for good, with the reasons", async () => {
    const { place } = setup();
    const placement = await place({ inputTokens: 1_000_000 });
    expect(placement).toEqual({ kind: "unservable", reason: expect.stringContaining("fits-context") });
  });

  test("waits when one target is paused and the others can never serve", async () => {
    const { place, capacity, clock } = setup([
      sampleTarget("one"),
      sampleTarget("two", { contextWindow: 1 }),
    ]);
    capacity.known.set("one", { pausedUntil: clock.now() + 1_000 });
    expect(await place()).toMatchObject({ kind: "held", limit: "paused" });
  });

  test.each(["gone", "constructor"])("is unservable when its model %s is not configured", async (model) => {
    expect(await setup().place({ model })).toEqual({
      kind: "unservable",
      reason: "the model is no longer configured",
    });
  });

  test("waits while its model has no target at all", async () => {
    const { place, clock } = setup([]);
    expect(await place()).toEqual({ kind: "held", at: clock.now() + 5_000, limit: "no-candidates" });
  });

  test.each(["reserve", "signals"] as const)(
    "passes on that Redis is away at %s, holding nothing",
    async (method) => {
      const { place, capacity } = setup();
      capacity.faults.arm(method);
      await expect(place()).rejects.toThrow(`${method} fails`);
      expect(capacity.open.size).toBe(0);
    },
  );
});

describe("a line of a batch with a budget", () => {
  const batchId = idFromUuid("batch", sampleUuid);
  const line = { batchLine: { batchId, line: 1, customId: "c" }, maxSpendUsd: 5 };
  const key = `batch:${batchId}`;
  const exhausted = { limit: "budget.batch", waitMs: 90_000_000, isExhausted: true } as const;

  test("is held against it, and says how much and for which key", async () => {
    const { place, capacity } = setup([sampleTarget("one")]);
    const usd = (1.25 * 7 + 2 * 4_096) / 1_000_000;
    expect(await place(line)).toMatchObject({ kind: "placed", held: { usd, keyId: undefined } });
    expect(capacity.requests[0]?.budgets).toEqual([{ key, usd: 5, window: "total" }]);
    expect(await place({ keyId: "k", keyUsdPerDay: 9 })).toMatchObject({ held: { usd, keyId: "k" } });
    expect(await place({ keyId: "k" })).toMatchObject({ kind: "placed", held: undefined });
  });

  test("tells capacity what the ledger says was spent, when capacity does not know", async () => {
    const { place, capacity, purse } = setup([sampleTarget("one")]);
    capacity.unknown.add(key);
    purse.spent.set(key, 1.5);
    expect(await place(line)).toMatchObject({ kind: "placed" });
    expect(capacity.requests.map(({ budgets }) => budgets?.[0]?.spentUsd)).toEqual([undefined, 1.5]);
  });

  test("is unpayable when every target is too dear for good", async () => {
    const { place, capacity } = setup();
    for (const id of ["one", "two"]) capacity.full.set(id, exhausted);
    expect(await place(line)).toEqual({ kind: "unpayable" });
    expect(capacity.parked).toEqual([]);
  });

  test("waits when calls under way may leave enough", async () => {
    const { place, capacity, clock } = setup([sampleTarget("one")]);
    capacity.full.set("one", { limit: "budget.batch", waitMs: 500 });
    expect(await place(line)).toEqual({ kind: "held", at: clock.now() + 500, limit: "budget.batch" });
  });

  test("waits for a cheaper target that is full, or goes there", async () => {
    const { place, capacity } = setup();
    capacity.full.set("one", exhausted);
    capacity.full.set("two", { limit: "target.concurrency", waitMs: 500 });
    expect(await place(line)).toMatchObject({ kind: "held", limit: "target.concurrency" });
    capacity.full.delete("two");
    expect(await place(line)).toMatchObject({ kind: "placed", target: { id: "two" } });
  });

  test("waits for a target that is only paused: the money may pay for that one", async () => {
    const { place, capacity, clock } = setup();
    capacity.full.set("one", exhausted);
    capacity.known.set("two", { pausedUntil: clock.now() + 4_000 });
    expect(await place(line)).toEqual({ kind: "held", at: clock.now() + 4_000, limit: "budget.batch" });
  });
});

describe("what is reserved", () => {
  const asked = async (changes: Partial<JobToRun>, learned?: number) => {
    const { place, capacity } = setup([sampleTarget("one")]);
    if (learned !== undefined) capacity.known.set("one", { expectedOutputTokens: learned });
    await place(changes);
    const { outputTokens, costUsd } = capacity.requests[0] ?? {};
    return { outputTokens, micros: Math.round((costUsd ?? 0) * 1_000_000) };
  };

  test("is what is expected of tokens and the worst case of money", async () => {
    // The target's prices: 1 USD per million of input, 2 of output; 8 tokens in, at worst 10, and at most 4,096 out.
    const job = { inputTokens: 8 };
    expect(await asked(job)).toEqual({ outputTokens: 512, micros: 10 + 2 * 4_096 });
    expect(await asked(job, 99.2)).toEqual({ outputTokens: 100, micros: 10 + 2 * 4_096 });
    expect(await asked({ ...job, maxOutputTokens: 50 }, 99.2)).toEqual({
      outputTokens: 50,
      micros: 10 + 2 * 50,
    });
  });

  test("is no output where an endpoint has none", async () => {
    expect(await asked({ endpoint: "/v1/embeddings", inputTokens: 8 }, 99)).toEqual({
      outputTokens: 0,
      micros: 10,
    });
  });
});

describe("cacheSignals", () => {
  test("shares a snapshot for 200 ms among equal targets", async () => {
    const { clock, capacity, signals } = setup();
    const targets = [sampleTarget("one")];
    const first = signals.read(targets);
    expect(signals.read(targets)).toBe(first);
    expect(signals.read([sampleTarget("two")])).not.toBe(first);
    await clock.advance(199);
    expect(signals.read(targets)).toBe(first);
    await clock.advance(1);
    capacity.known.set("one", { inFlight: 3 });
    expect(await signals.read(targets)).toMatchObject({ one: { inFlight: 3 } });
  });

  test("does not keep a failure", async () => {
    const { capacity, signals } = setup();
    capacity.faults.arm("signals");
    await expect(signals.read([sampleTarget("one")])).rejects.toThrow("signals fails");
    await expect(signals.read([sampleTarget("one")])).resolves.toHaveProperty("one");
  });
});
