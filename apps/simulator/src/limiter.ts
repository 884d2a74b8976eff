import { createSlidingWindow, type SlidingWindow, windowMs } from "./sliding-window.ts";

/** Limits of the upstream; 0 means unlimited. */
export interface Limits {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly concurrency: number;
}

type LimitName = "requests" | "tokens" | "concurrency";

/** What is in use at one moment; `resetMs` is the time until the windows are empty. */
export interface Usage {
  readonly requests: number;
  readonly tokens: number;
  readonly concurrent: number;
  readonly resetMs: number;
}

/** `retryAfterMs` is exact for the windows; absent when waiting never helps (the call alone exceeds the limit). */
export type Admission =
  | { readonly kind: "admitted"; readonly usage: Usage }
  | {
      readonly kind: "refused";
      readonly by: LimitName;
      readonly retryAfterMs?: number;
      readonly usage: Usage;
    };

/** The highest use that was ever admitted. */
interface Peaks {
  readonly requests: number;
  readonly tokens: number;
  readonly concurrent: number;
}

/** One call at the door: its monotonic time in ms, its actual tokens, when a place is expected if all are taken. */
interface Arrival {
  readonly at: number;
  readonly tokens: number;
  readonly placeFreeInMs: () => number;
}

/** Judges calls at arrival against strict sliding windows; refused calls are not counted. */
export interface Limiter {
  admit(arrival: Arrival): Admission;
  /** An admitted call has ended. */
  release(): void;
  limits(): Limits;
  setLimits(limits: Limits): void;
  peaks(): Peaks;
  /** Forgets the windows and the peaks; calls in flight stay counted. */
  reset(): void;
}

export function createLimiter(initial: Limits): Limiter {
  let limits = initial;
  let concurrent = 0;
  let peaks: Peaks = { requests: 0, tokens: 0, concurrent: 0 };
  const window = createSlidingWindow();
  const usage = (now: number): Usage => ({
    requests: window.count,
    tokens: window.sum,
    concurrent,
    resetMs: window.count === 0 ? 0 : window.timeAt(window.count - 1) + windowMs - now,
  });
  return {
    admit({ at, tokens, placeFreeInMs }) {
      window.advance(at);
      const refusal = refuse({ window, limits, concurrent, at, tokens, placeFreeInMs });
      if (refusal !== undefined) return { kind: "refused", ...refusal, usage: usage(at) };
      window.add(at, tokens);
      concurrent += 1;
      peaks = {
        requests: Math.max(peaks.requests, window.count),
        tokens: Math.max(peaks.tokens, window.sum),
        concurrent: Math.max(peaks.concurrent, concurrent),
      };
      return { kind: "admitted", usage: usage(at) };
    },
    release() {
      concurrent -= 1;
    },
    limits: () => limits,
    setLimits(next) {
      limits = next;
    },
    peaks: () => peaks,
    reset() {
      window.clear();
      peaks = { requests: 0, tokens: 0, concurrent };
    },
  };
}

interface Judged extends Arrival {
  readonly window: SlidingWindow;
  readonly limits: Limits;
  readonly concurrent: number;
}

/** Names the first limit that is exceeded, with the wait after which all of them would fit. */
function refuse(judged: Judged): { by: LimitName; retryAfterMs?: number } | undefined {
  const { window, limits, at, tokens } = judged;
  const waits: [LimitName, number][] = [];
  if (limits.requestsPerMinute > 0 && window.count >= limits.requestsPerMinute) {
    const last = window.count - limits.requestsPerMinute;
    waits.push(["requests", window.timeAt(last) + windowMs - at]);
  }
  if (limits.tokensPerMinute > 0 && window.sum + tokens > limits.tokensPerMinute) {
    if (tokens > limits.tokensPerMinute) return { by: "tokens" };
    waits.push(["tokens", waitForTokens(judged)]);
  }
  if (limits.concurrency > 0 && judged.concurrent >= limits.concurrency) {
    waits.push(["concurrency", judged.placeFreeInMs()]);
  }
  const [first] = waits;
  return first && { by: first[0], retryAfterMs: Math.max(...waits.map(([, wait]) => wait)) };
}

function waitForTokens({ window, limits, at, tokens }: Judged): number {
  let excess = window.sum + tokens - limits.tokensPerMinute;
  let index = 0;
  while (excess > 0) {
    excess -= window.amountAt(index);
    index += 1;
  }
  return window.timeAt(index - 1) + windowMs - at;
}
