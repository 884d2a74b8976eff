import {
  type CountedUse,
  type RebuildableCapacity,
  type Refusal,
  type Reservation,
  type ReserveRequest,
  reservationId,
  type Signals,
  type Target,
  type Turn,
} from "@sluice/domain";
import { jobNumber } from "../../../../test/kit/waiting-conformance.ts";
import { burst, crowd, recover } from "./differential-scenes.ts";
import type { LedgerUseStep } from "./differential-sequence.ts";
import { type DifferentialStep, type StepOf, targets, tenants } from "./differential-steps.ts";
import type { createTestClock } from "./values.ts";

/** What both answered. */
interface Compared {
  readonly step: string;
  readonly redis: unknown;
  readonly memory: unknown;
}

interface Asked {
  readonly turn: Turn;
  readonly refusals: readonly Refusal[];
}

interface Open {
  readonly reservation: Reservation;
  readonly reservedAt: number;
}

type Clock = ReturnType<typeof createTestClock>;

/**
 * For the differential test: does the same to Redis and to memory. What memory answers decides what comes next, so
 * that Redis is asked everything in one go; the first answer that differs is the one to look at.
 */
export class DifferentialRun {
  private readonly sides: { readonly redis: RebuildableCapacity; readonly memory: RebuildableCapacity };
  readonly clock: Clock;
  readonly startedAt: number;
  private readonly open: Open[] = [];
  private readonly asked = new Map<string, Asked>();
  private readonly answers: Promise<Compared>[] = [];

  constructor(
    sides: { readonly redis: RebuildableCapacity; readonly memory: RebuildableCapacity },
    clock: Clock,
  ) {
    this.sides = sides;
    this.clock = clock;
    this.startedAt = clock.now();
  }

  /** Every answer so far, in order. */
  compared(): Promise<Compared[]> {
    return Promise.all(this.answers);
  }

  async take(step: DifferentialStep): Promise<void> {
    switch (step.kind) {
      case "pass":
        return this.clock.advance(step.ms);
      case "reserve":
        return this.reserve(step);
      case "come":
        return this.come(step);
      case "parkLate":
        return this.park(this.asked.get(jobNumber(step.job)));
      case "leave":
        return this.both("leave", (capacity) =>
          capacity.leave({ jobId: jobNumber(step.job), model: step.lane }),
        );
      case "settle":
        return this.settle(step);
      case "release":
        return this.release(step);
      case "renew":
        return this.both("renew", (capacity) => capacity.renew(step.owner, step.leaseMs));
      case "learn":
        return this.learn(step);
      case "pause":
        return this.pause(step);
      case "observe":
        return this.observe(step);
      case "operate":
        return this.operate(step);
      case "burst":
        return burst(this, step);
      case "crowd":
        return crowd(this, step);
      case "recover":
        return recover(this, step);
      case "signals":
        return this.signals();
    }
  }

  /** Rebuilds both; those that were under way can end. */
  async warm(use: LedgerUseStep): Promise<void> {
    const token = "rebuilder";
    const counted = countedUse(use, this.clock.now());
    await this.both("claim", (capacity) => capacity.claimRebuild({ token, settleMs: 0, claimMs: 1_000 }));
    await this.both("warm", (capacity) => capacity.warm(token, counted));
    for (const [index, { target, startedAgoMs }] of use.running.entries()) {
      const id = counted.running[index]?.reservationId ?? "";
      const reservation = { id, targetId: target, tenantId: tenants.t1.tenant.id };
      this.open.push({ reservation, reservedAt: this.clock.now() - startedAgoMs });
    }
  }

  /** How every target stands at the end; Redis is waited for, since it reads the clock once more when it answers. */
  async signals(): Promise<void> {
    await this.compared();
    await this.both("signals", async (capacity) => rounded(await capacity.signals(Object.values(targets))));
    await this.compared();
  }

  async both<Answer>(step: string, act: (capacity: RebuildableCapacity) => Promise<Answer>): Promise<Answer> {
    const fromRedis = act(this.sides.redis);
    const memory = await act(this.sides.memory);
    this.answers.push(fromRedis.then((redis) => ({ step, redis, memory })));
    return memory;
  }

  private async reserve(step: StepOf<"reserve">): Promise<void> {
    for (const target of step.targets) await this.ask(requestOf(step, targets[target], undefined));
  }

  /** The refusal, or `undefined` when it was granted. */
  async ask(request: ReserveRequest): Promise<Refusal | undefined> {
    const answer = await this.both("reserve", (capacity) => capacity.reserve(request));
    if (answer.kind === "denied") return { request, limit: answer.limit, waitMs: answer.waitMs };
    this.open.push({ reservation: answer.reservation, reservedAt: this.clock.now() });
    return undefined;
  }

  private async come(step: StepOf<"come">): Promise<void> {
    const effectiveDeadlineAt = this.startedAt + step.urgency;
    const { tenant, weight } = tenants[step.tenant];
    const turn = {
      jobId: jobNumber(step.job),
      model: step.lane,
      effectiveDeadlineAt,
      tenantId: tenant.id,
      weight,
    };
    await this.place(
      turn,
      step.targets.map((target) => requestOf(step, targets[target], turn)),
    );
  }

  async place(turn: Turn, requests: readonly ReserveRequest[]): Promise<void> {
    const refusals: Refusal[] = [];
    for (const request of requests) {
      const refusal = await this.ask(request);
      if (refusal === undefined) return;
      refusals.push(refusal);
    }
    this.asked.set(turn.jobId, { turn, refusals });
    await this.park({ turn, refusals });
  }

  private async park(asked: Asked | undefined): Promise<void> {
    if (asked === undefined) return;
    await this.both("park", (capacity) => capacity.park(asked.turn, asked.refusals));
  }

  private choose(which: number): Open | undefined {
    return this.open[which % Math.max(1, this.open.length)];
  }

  private end(open: Open): void {
    this.open.splice(this.open.indexOf(open), 1);
  }

  private async settle(step: StepOf<"settle">): Promise<void> {
    const open = this.choose(step.which);
    if (open === undefined) return;
    this.end(open);
    const { reservation, reservedAt } = open;
    const { inputTokens, outputTokens, costUsd, latencyMs, health, isOverloaded = false } = step;
    const sentAfterMs = step.sent === undefined ? undefined : (this.clock.now() - reservedAt) * step.sent;
    const use = { inputTokens, outputTokens, costUsd, sentAfterMs };
    await this.both("settle", (capacity) => capacity.settle(reservation, use));
    const says = health === undefined ? {} : { health, ok: health === "good" };
    const sample = { latencyMs, outputTokens, costUsd: costUsd ?? 0, reservation, isOverloaded, ...says };
    await this.both("observe", (capacity) => capacity.observe(reservation.targetId, sample));
  }

  private async release({ which, isKept }: StepOf<"release">): Promise<void> {
    const open = this.choose(which);
    if (open === undefined) return;
    if (!isKept) this.end(open);
    await this.both("release", (capacity) => capacity.release(open.reservation));
  }

  private async learn({ target, requests, tokens, which }: StepOf<"learn">): Promise<void> {
    const report = {
      ...(requests && { requests: stated(requests) }),
      ...(tokens && { tokens: stated(tokens) }),
    };
    const reservation = which === undefined ? undefined : this.choose(which)?.reservation;
    await this.both("learn", (capacity) => capacity.learn(targets[target], report, reservation));
  }

  private async pause({ target, pauseMs, reason }: StepOf<"pause">): Promise<void> {
    const untilAt = this.clock.now() + pauseMs;
    await this.both("pause", (capacity) => capacity.pause(target, untilAt, reason));
  }

  private async observe({ kind: _, target, times, latencyMs, ...sample }: StepOf<"observe">): Promise<void> {
    for (let n = 0; n < times; n += 1)
      await this.both("observe", (capacity) => capacity.observe(target, { latencyMs, ...stated(sample) }));
  }

  private async operate({ target, state, weight, changedAt }: StepOf<"operate">): Promise<void> {
    const said = { targetId: target, state, changedAt, ...stated({ weight }) };
    await this.both("operate", (capacity) => capacity.operate([said]));
  }
}

function countedUse({ sent, hours, running }: LedgerUseStep, now: number): CountedUse {
  const thisHour = Math.floor(now / 3_600_000);
  const keys = new Set(running.flatMap(({ budgets }) => budgets.map(({ key }) => key)));
  return {
    sent: sent.map(([scope, amounts]) => ({ ...scope, ...amounts })),
    hours: hours.map(([scope, { hoursAgo, ...spent }]) => ({
      ...scope,
      ...spent,
      hour: thisHour - hoursAgo,
    })),
    running: running.map(({ owner, target, tenant, countsDay, ...call }, index) => ({
      ...call,
      reservationId: reservationId(owner, `rebuilt-${index}`),
      scopes: [
        { scope: "target", id: target, countsDay },
        ...(tenant === undefined ? [] : [{ scope: "tenant", id: tenant, countsDay } as const]),
      ],
    })),
    budgets: [...keys].map((key) => {
      const window = key.startsWith("key:") ? "day" : "total";
      return { key, window, hour: window === "day" ? thisHour : 0, usd: 0.005 };
    }),
  };
}

function requestOf(
  step: StepOf<"reserve"> | StepOf<"come">,
  target: Target,
  turn: Turn | undefined,
): ReserveRequest {
  const { owner, inputTokens, outputTokens, costUsd, budgets, leaseMs } = step;
  return {
    target,
    tenant: tenants[step.tenant].tenant,
    owner,
    inputTokens,
    outputTokens,
    costUsd,
    budgets,
    leaseMs,
    turn,
  };
}

type Stated<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** Without what is `undefined`. */
function stated<Fields extends object>(fields: Fields): Stated<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Stated<Fields>;
}

/** Lua writes the faded sums with 14 digits. */
function rounded(signals: Signals): unknown {
  return Object.entries(signals).map(([id, { errorRate, ...rest }]) => ({
    id,
    ...rest,
    errorRate: errorRate.toFixed(9),
  }));
}
