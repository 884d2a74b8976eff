import type { IncomingHttpHeaders } from "node:http";
import type { Limiter } from "./limiter.ts";
import { createSlidingWindow } from "./sliding-window.ts";
import { createTally } from "./tally.ts";

/** What `/_sim/stats` answers. Windows are of any 60 s, not of clock minutes. */
export interface SimulatorStats {
  readonly name: string;
  readonly calls: number;
  readonly in_flight: number;
  readonly max_concurrency: number;
  /** Tokens that were charged to admitted calls. */
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** Of admitted calls: never above the limits. */
  readonly max_requests_60s: number;
  readonly max_tokens_60s: number;
  /** Of all calls, refused ones too. */
  readonly max_arrivals_60s: number;
  /** `0`: cut without a status; `499`: the caller left. */
  readonly by_status: Record<string, number>;
  readonly by_path: Record<string, number>;
  readonly throttled: { readonly total: number; readonly by: Record<string, number> };
  readonly faults: { readonly total: number; readonly by: Record<string, number> };
  /** By the first 12 hex digits of the key's SHA-256; `none` without a key. */
  readonly by_key: Record<string, number>;
  readonly by_header: Record<string, Record<string, number>>;
}

/** Counts what happens. */
export interface Statistics {
  arrived(call: { at: number; path: string; key: string; headers: IncomingHttpHeaders }): void;
  admitted(inputTokens: number, outputTokens: number): void;
  throttled(by: string): void;
  faulted(label: string): void;
  ended(status: number): void;
  show(limiter: Limiter): SimulatorStats;
  reset(): void;
}

export function createStatistics(name: string, countHeaders: readonly string[]): Statistics {
  const arrivals = createSlidingWindow();
  const byHeader = countHeaders.map((header) => ({ header: header.toLowerCase(), tally: createTally() }));
  const [byStatus, byPath, byKey, throttled, faults] = [
    createTally(),
    createTally(),
    createTally(),
    createTally(),
    createTally(),
  ];
  const zero = { calls: 0, inFlight: 0, input: 0, output: 0, maxArrivals: 0 };
  const sum = { ...zero };
  return {
    arrived({ at, path, key, headers }) {
      sum.calls += 1;
      sum.inFlight += 1;
      byPath.count(path);
      byKey.count(key);
      for (const { header, tally } of byHeader)
        if (headers[header] !== undefined) tally.count(String(headers[header]));
      arrivals.advance(at);
      arrivals.add(at, 0);
      sum.maxArrivals = Math.max(sum.maxArrivals, arrivals.count);
    },
    admitted(inputTokens, outputTokens) {
      sum.input += inputTokens;
      sum.output += outputTokens;
    },
    throttled: (by) => throttled.count(by),
    faulted: (label) => faults.count(label),
    ended(status) {
      sum.inFlight -= 1;
      byStatus.count(String(status));
    },
    show: (limiter) => ({
      name,
      calls: sum.calls,
      in_flight: sum.inFlight,
      max_concurrency: limiter.peaks().concurrent,
      input_tokens: sum.input,
      output_tokens: sum.output,
      max_requests_60s: limiter.peaks().requests,
      max_tokens_60s: limiter.peaks().tokens,
      max_arrivals_60s: sum.maxArrivals,
      by_status: byStatus.show(),
      by_path: byPath.show(),
      throttled: total(throttled.show()),
      faults: total(faults.show()),
      by_key: byKey.show(),
      by_header: Object.fromEntries(byHeader.map(({ header, tally }) => [header, tally.show()])),
    }),
    reset() {
      Object.assign(sum, zero, { inFlight: sum.inFlight });
      arrivals.clear();
      for (const tally of [byStatus, byPath, byKey, throttled, faults, ...byHeader.map((one) => one.tally)])
        tally.clear();
    },
  };
}

function total(by: Record<string, number>): { total: number; by: Record<string, number> } {
  return { total: Object.values(by).reduce((sum, count) => sum + count, 0), by };
}
