import type { CountedUse, RebuildableCapacity, Reservation } from "@sluice/domain";
import { createInMemoryCapacity, repeatLostEnds } from "../index.ts";
import { nothingCounts } from "./setup.ts";
import { createTestClock, testRequest, testTarget } from "./values.ts";

/** For tests: how long the steps of one call take, in ms. */
export interface CallTimes {
  /** After the call before it. */
  readonly afterMs: number;
  /** From its reservation to the commit of its attempt. */
  readonly commitMs: number;
  readonly sendMs: number;
  readonly latencyMs: number;
  /** From its end to the commit of that. */
  readonly settleMs: number;
}

/** For tests: a call as the upstream saw it. */
export interface ArrivedCall {
  readonly from: number;
  readonly to: number;
}

interface Attempt {
  readonly reservation: Reservation;
  readonly startedAt: number;
  sentAt: number | undefined;
  isSettled: boolean;
}

const landMs = 1_000;
const leaseMs = 20_000;
/** An upstream may count a call by so much later than it was sent. */
const arrivalMs = 700;

/** For tests: two workers, a ledger and an upstream, under a clock of events, whose capacity is lost now and then. */
export class LossRun {
  readonly arrived: ArrivedCall[] = [];
  cold = 0;
  readonly target;
  private readonly clock = createTestClock();
  private readonly agenda: { readonly at: number; readonly act: () => Promise<void> }[] = [];
  private readonly attempts: Attempt[] = [];
  private ids = 0;
  private capacity = this.open(false);
  private readonly workers = ["w1", "w2"].map((owner) => ({ owner, capacity: this.workerCapacity() }));

  constructor(limits: { readonly requestsPerMinute: number; readonly concurrency: number }) {
    this.target = testTarget("a", limits);
  }

  /** Runs all calls, with losses so long after the start; answers how many calls capacity counts at the end. */
  async run(calls: readonly CallTimes[], losses: readonly number[], readMs: number): Promise<number> {
    const startedAt = this.clock.now();
    let at = 0;
    for (const [n, call] of calls.entries()) {
      at += call.afterMs;
      this.after(at, () => this.reserve(n, call));
    }
    for (const loss of losses)
      this.after(loss, async () => {
        this.capacity = this.open(true);
      });
    const endsAt = startedAt + at + 200_000;
    this.every(500, endsAt, () => this.rebuild(readMs));
    for (const { owner, capacity } of this.workers)
      this.every(4_000, endsAt, () => capacity.renew(owner, leaseMs));
    await this.runAgenda();
    return (await this.capacity.signals([this.target]))["a"]?.inFlight ?? -1;
  }

  private open(startsCold: boolean): RebuildableCapacity {
    return createInMemoryCapacity({ clock: this.clock, ids: { uuid: () => this.newId() }, startsCold });
  }

  private newId(): string {
    this.ids += 1;
    return String(this.ids);
  }

  /** Goes to whatever capacity there is at the time. */
  private workerCapacity(): RebuildableCapacity {
    return repeatLostEnds({
      ...this.capacity,
      reserve: (request) => this.capacity.reserve(request),
      holds: (reservation) => this.capacity.holds(reservation),
      settle: (reservation, use) => this.capacity.settle(reservation, use),
      release: (reservation) => this.capacity.release(reservation),
      renew: (owner, leaseMs) => this.capacity.renew(owner, leaseMs),
      reservationsOf: (owner) => this.capacity.reservationsOf(owner),
    });
  }

  private after(ms: number, act: () => Promise<void>): void {
    this.agenda.push({ at: this.clock.now() + ms, act });
  }

  private every(ms: number, endsAt: number, act: () => Promise<void>): void {
    this.after(ms, async () => {
      await act();
      if (this.clock.now() < endsAt) this.every(ms, endsAt, act);
    });
  }

  private async runAgenda(): Promise<void> {
    for (;;) {
      this.agenda.sort((a, b) => a.at - b.at);
      const next = this.agenda.shift();
      if (next === undefined) return;
      this.clock.advance(Math.max(0, next.at - this.clock.now()));
      await next.act();
    }
  }

  private async reserve(n: number, call: CallTimes): Promise<void> {
    const worker = this.workers[n % 2];
    if (worker === undefined) return;
    const { owner, capacity } = worker;
    const answer = await capacity.reserve(testRequest(this.target, { owner, leaseMs }));
    if (answer.kind === "denied") {
      if (answer.limit === "target.cold") this.cold += 1;
      return;
    }
    this.after(call.commitMs, () => this.start(capacity, answer.reservation, call));
  }

  private async start(
    capacity: RebuildableCapacity,
    reservation: Reservation,
    call: CallTimes,
  ): Promise<void> {
    const attempt: Attempt = {
      reservation,
      startedAt: this.clock.now(),
      sentAt: undefined,
      isSettled: false,
    };
    this.attempts.push(attempt);
    if (call.commitMs > landMs && !(await capacity.holds(reservation))) {
      await capacity.release(reservation);
      this.after(call.settleMs, async () => {
        attempt.isSettled = true;
      });
      return;
    }
    this.after(call.sendMs, async () => {
      const sentAt = this.clock.now();
      this.arrived.push({ from: sentAt + arrivalMs, to: sentAt + Math.max(arrivalMs, call.latencyMs) });
      this.after(call.latencyMs, () => this.end(capacity, attempt, sentAt, call));
    });
  }

  private async end(
    capacity: RebuildableCapacity,
    attempt: Attempt,
    sentAt: number,
    { settleMs, commitMs, sendMs }: CallTimes,
  ): Promise<void> {
    const use = { inputTokens: 10, outputTokens: 10, costUsd: 0, sentAfterMs: commitMs + sendMs };
    await capacity.settle(attempt.reservation, use);
    this.after(settleMs, async () => {
      attempt.sentAt = sentAt;
      attempt.isSettled = true;
    });
  }

  private async rebuild(readMs: number): Promise<void> {
    const token = this.newId();
    const claim = { token, settleMs: landMs, claimMs: 6_000 };
    if ((await this.capacity.claimRebuild(claim)).kind !== "claimed") return;
    const use = this.ledgerUse();
    this.after(readMs, async () => void (await this.capacity.warm(token, use)));
  }

  private ledgerUse(): CountedUse {
    const now = this.clock.now();
    const amounts = { inputTokens: 10, outputTokens: 10 };
    const scope = { scope: "target", id: "a" } as const;
    const ended = this.attempts.flatMap(({ isSettled, sentAt }) =>
      isSettled && sentAt !== undefined ? [{ ...scope, ...amounts, agoMs: now - sentAt, requests: 1 }] : [],
    );
    const running = this.attempts.filter(({ isSettled }) => !isSettled);
    return {
      ...nothingCounts,
      sent: ended,
      running: running.map(({ reservation, startedAt }) => ({
        ...amounts,
        reservationId: reservation.id,
        startedAgoMs: now - startedAt,
        leaseMs,
        usd: 0,
        budgets: [],
        scopes: [{ ...scope, countsDay: false }],
      })),
    };
  }
}
