import type { ReserveRequest } from "@sluice/domain";

const windowMs = 60_000;
const marginMs = 750;

interface Entry {
  readonly scopes: readonly string[];
  readonly owner: string;
  readonly reservedAt: number;
  readonly input: number;
  output: number;
  /** `undefined` while in flight. */
  leavesAt: number | undefined;
}

interface Limits {
  readonly requests: number;
  readonly tokens: number;
  readonly concurrency: number;
}

/** What is known of a target's answers: how many, and mean and variance of the tokens they took beyond expectation. */
interface Errors {
  answers: number;
  mean: number;
  variance: number;
}

/**
 * For tests: the rules of the Lua written as sums over a plain list, each computed anew whenever it is asked for.
 * Knows requests, tokens and concurrency a target and a tenant, and the margin of a target's tokens.
 */
export class NaiveCapacity {
  private readonly entries = new Map<string, Entry>();
  private readonly leases = new Map<string, number>();
  private readonly errors = new Map<string, Errors>();

  /** When the entry leaves the window as of `now`; `undefined` while it is in flight. */
  private leavesAt(entry: Entry, now: number): number | undefined {
    if (entry.leavesAt !== undefined) return entry.leavesAt;
    const leaseEndsAt = this.leases.get(entry.owner) ?? Number.POSITIVE_INFINITY;
    return leaseEndsAt <= now ? leaseEndsAt + marginMs + windowMs : undefined;
  }

  /** Ends the leases that are over for good, as reserve, renew and signals do first; between their end and this call a settlement still counts. */
  sweep(now: number): void {
    for (const entry of this.entries.values()) entry.leavesAt = this.leavesAt(entry, now);
    for (const [owner, endsAt] of this.leases) if (endsAt <= now) this.leases.delete(owner);
  }

  used(scope: string, now: number): Limits {
    const used = { requests: 0, tokens: 0, concurrency: 0 };
    for (const entry of this.entries.values()) {
      const leavesAt = this.leavesAt(entry, now);
      if (!entry.scopes.includes(scope) || (leavesAt !== undefined && leavesAt <= now)) continue;
      used.requests += 1;
      used.tokens += entry.input + entry.output;
      if (leavesAt === undefined) used.concurrency += 1;
    }
    return used;
  }

  /** Whether the request fits all limits. */
  fits(request: ReserveRequest, now: number): boolean {
    return limitsOf(request).every(([scope, limits]) => {
      const used = this.used(scope, now);
      const most = this.usable(scope, limits.tokens, used.concurrency);
      const tokens = Math.min(request.inputTokens + request.outputTokens, most);
      const windows = used.requests < limits.requests && used.tokens + tokens <= most;
      return windows && used.concurrency < limits.concurrency;
    });
  }

  /** What of a token limit is used: of a target's, less 3 %, or once it is known what three deviations of all calls come to. */
  private usable(scope: string, limit: number, inFlight: number): number {
    if (!scope.startsWith("target ")) return limit;
    const { answers, mean, variance } = this.errors.get(scope) ?? { answers: 0, mean: 0, variance: 0 };
    const error = inFlight * Math.max(0, mean) + 3 * Math.sqrt(inFlight * variance);
    const margin = answers < 20 ? 0.03 : Math.min(0.15, Math.max(0.01, error / limit));
    return Math.max(1, Math.floor(limit * (1 - margin)));
  }

  private learn(scope: string, error: number): void {
    const known = this.errors.get(scope) ?? { answers: 0, mean: 0, variance: 0 };
    const answers = Math.min(known.answers + 1, 50);
    const delta = error - known.mean;
    const variance = (1 - 1 / answers) * (known.variance + (delta * delta) / answers);
    this.errors.set(scope, { answers, mean: known.mean + delta / answers, variance });
  }

  inFlight(request: ReserveRequest, now: number): boolean {
    return limitsOf(request).some(([scope]) => this.used(scope, now).concurrency > 0);
  }

  grant(id: string, request: ReserveRequest, now: number): void {
    const { owner, inputTokens: input, outputTokens: output } = request;
    const scopes = limitsOf(request).map(([scope]) => scope);
    this.entries.set(id, { scopes, owner, reservedAt: now, input, output, leavesAt: undefined });
    this.leases.set(owner, Math.max(this.leases.get(owner) ?? 0, now + request.leaseMs));
  }

  settle(id: string, output: number, sentAfterMs: number, now: number): void {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.leavesAt !== undefined) return;
    for (const scope of entry.scopes) if (output > 0) this.learn(scope, output - entry.output);
    entry.output = output;
    entry.leavesAt = Math.min(now, entry.reservedAt + sentAfterMs + marginMs) + windowMs;
  }

  release(id: string): void {
    if (this.entries.get(id)?.leavesAt === undefined) this.entries.delete(id);
  }

  renew(owner: string, leaseMs: number, now: number): void {
    this.sweep(now);
    const endsAt = this.leases.get(owner);
    if (endsAt !== undefined) this.leases.set(owner, Math.max(endsAt, now + leaseMs));
  }
}

/** The limits that a request meets, by scope, without margins. */
function limitsOf({ target, tenant }: ReserveRequest): [string, Limits][] {
  const all = Number.POSITIVE_INFINITY;
  const { limits } = target;
  const ofTarget: Limits = {
    requests: limits.requestsPerMinute ?? all,
    tokens: limits.tokensPerMinute ?? all,
    concurrency: limits.concurrency ?? all,
  };
  const ofTenant: Limits = {
    requests: tenant.limits.requestsPerMinute ?? all,
    tokens: tenant.limits.tokensPerMinute ?? all,
    concurrency: tenant.limits.concurrency ?? all,
  };
  return [
    [`target ${target.id}`, ofTarget],
    [`tenant ${tenant.id}`, ofTenant],
  ];
}
