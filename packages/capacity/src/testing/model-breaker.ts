import type { BreakerPhase, CallSample } from "@sluice/domain";

interface Counted {
  readonly at: number;
  readonly failed: boolean;
}

/** For tests: the rules of `breaker.lua` written anew, over a plain list of calls. */
export class ModelBreaker {
  private calls: Counted[] = [];
  private openUntil: number | undefined;
  private opens = 0;
  private base = 0;
  private probeAt: number | undefined;
  private askedAt: number | undefined;
  private closedAt: number | undefined;
  private connectionFailures = 0;
  private failuresInARow = 0;
  private retryAt = 0;
  private silentSince: number | undefined;

  phase(now: number): BreakerPhase {
    if (this.openUntil === undefined) return "closed";
    return now < this.openUntil ? "open" : "half-open";
  }

  /** What a reservation at `now` gets: a grant (with the opening it probes) or a wait in ms. */
  ask(now: number, calm: boolean, inFlight: number): { probe: number | undefined } | { waitMs: number } {
    const silent = this.silentSince !== undefined && now - this.silentSince > 60_000;
    if (this.phase(now) === "closed" && inFlight >= 3 && silent)
      this.open(now, inFlight, this.startsSlowly(now));
    const answer = this.decide(now, calm, inFlight);
    if ("probe" in answer && (inFlight === 0 || this.silentSince === undefined)) this.silentSince = now;
    return answer;
  }

  private decide(
    now: number,
    calm: boolean,
    inFlight: number,
  ): { probe: number | undefined } | { waitMs: number } {
    const phase = this.phase(now);
    if (phase === "open") return { waitMs: (this.openUntil ?? now) - now };
    if (phase === "closed") return inFlight < this.places(now) ? { probe: undefined } : { waitMs: -1 };
    if (this.probeAt !== undefined && now < this.probeAt + 15_000) return { waitMs: 500 };
    if (!calm) {
      this.askedAt ??= now;
      if (now < this.askedAt + 1_000) return { waitMs: this.askedAt + 1_000 - now };
    }
    this.probeAt = now;
    this.askedAt = undefined;
    return { probe: this.openUntil };
  }

  release(probe: number | undefined): void {
    if (probe !== undefined && probe === this.openUntil) this.probeAt = undefined;
  }

  observe(now: number, sample: CallSample, inFlight: number): void {
    this.silentSince = inFlight > 0 ? now : undefined;
    const failed = sample.health === "failing" || sample.health === "unreachable";
    if (failed && sample.retryAfterMs !== undefined && sample.retryAfterMs > 0)
      this.retryAt = Math.max(this.retryAt, now + Math.min(60_000, sample.retryAfterMs));
    if (this.openUntil === undefined) this.count(now, sample, failed, inFlight);
    else if (sample.reservation?.probe === this.openUntil) this.endProbe(now, sample, failed, inFlight);
  }

  private endProbe(now: number, sample: CallSample, failed: boolean, inFlight: number): void {
    if (this.phase(now) === "open") return;
    if (failed) this.open(now, inFlight, true);
    else if (sample.health === undefined) this.probeAt = undefined;
    else {
      this.forget();
      this.openUntil = undefined;
      this.retryAt = 0;
      this.closedAt = now;
    }
  }

  private count(now: number, sample: CallSample, failed: boolean, inFlight: number): void {
    if (sample.health === undefined) return;
    this.connectionFailures = sample.health === "unreachable" ? this.connectionFailures + 1 : 0;
    this.failuresInARow = failed ? this.failuresInARow + 1 : 0;
    this.calls.push({ at: now, failed });
    const first = Math.floor(now / 5_000) - 5;
    const recent = this.calls.filter(({ at }) => Math.floor(at / 5_000) >= first);
    const failures = recent.filter((call) => call.failed).length;
    const tooMany = recent.length >= 10 && failures >= recent.length / 2;
    if (!tooMany && this.connectionFailures < 5 && this.failuresInARow < 15) return;
    this.open(now, inFlight, this.startsSlowly(now));
  }

  private startsSlowly(now: number): boolean {
    return this.closedAt !== undefined && now < this.closedAt + 30_000;
  }

  private open(now: number, inFlight: number, again: boolean): void {
    this.opens = again ? this.opens + 1 : 1;
    if (!again) this.base = inFlight;
    this.openUntil = Math.max(now + Math.min(60_000, 5_000 * 2 ** (this.opens - 1)), this.retryAt);
    this.forget();
  }

  private forget(): void {
    this.calls = [];
    this.connectionFailures = 0;
    this.failuresInARow = 0;
    this.probeAt = undefined;
    this.askedAt = undefined;
    this.silentSince = undefined;
  }

  private places(now: number): number {
    if (this.closedAt === undefined || now >= this.closedAt + 30_000) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.floor(Math.max(10, this.base) * (0.1 + (0.9 * (now - this.closedAt)) / 30_000)));
  }
}
