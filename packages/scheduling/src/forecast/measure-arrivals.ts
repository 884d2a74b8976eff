import type { ArrivalRate, ArrivalSum, TenantId } from "@sluice/domain";

/** What keeps coming, by candidate set and tenant. */
export interface ArrivalMeter {
  /** Takes in what `seconds` have brought. */
  add(seconds: number, sums: readonly ArrivalSum[]): void;
  /** For how long it has measured; no more than what it remembers. */
  watchedMs(): number;
  /** Of each set and tenant that has any. */
  rates(): { candidateSet: string; tenantId: TenantId; arrivals: ArrivalRate[] }[];
}

interface Stream {
  readonly candidateSet: string;
  readonly tenantId: TenantId;
  tokens: number;
  usualTokens: number;
  leadMs: number;
}

const memorySeconds = 300;
const usualMemorySeconds = 7_200;
/** One job in the first second is no flood. */
const leastSeconds = 30;
const leastTokens = 1;

/** Measures arrivals over the last minutes and hours, apart by the doubling of their time to the effective deadline. */
export function createArrivalMeter(): ArrivalMeter {
  const streams = new Map<string, Stream>();
  let [observed, usuallyObserved] = [0, 0];

  function decay(seconds: number): void {
    const [keep, keepUsual] = [Math.exp(-seconds / memorySeconds), Math.exp(-seconds / usualMemorySeconds)];
    observed = observed * keep + seconds;
    usuallyObserved = usuallyObserved * keepUsual + seconds;
    for (const [key, stream] of streams) {
      stream.tokens *= keep;
      stream.usualTokens *= keepUsual;
      if (stream.usualTokens < leastTokens) streams.delete(key);
    }
  }

  function note({ candidateSet, tenantId, leadMs, tokens }: ArrivalSum): void {
    const key = `${candidateSet} ${tenantId} ${Math.floor(Math.log2(Math.max(1, leadMs)))}`;
    const stream = streams.get(key) ?? { candidateSet, tenantId, tokens: 0, usualTokens: 0, leadMs };
    stream.tokens += tokens;
    stream.usualTokens += tokens;
    if (tokens > 0) stream.leadMs += (leadMs - stream.leadMs) * (tokens / stream.usualTokens);
    streams.set(key, stream);
  }

  return {
    add(seconds, sums) {
      decay(seconds);
      for (const sum of sums) note(sum);
    },
    watchedMs: () => Math.round(usuallyObserved * 1000),
    rates() {
      const flows = Map.groupBy(streams.values(), (stream) => `${stream.candidateSet} ${stream.tenantId}`);
      return [...flows.values()].flatMap((group) => {
        const [first] = group;
        if (first === undefined) return [];
        const arrivals = group.map(({ tokens, usualTokens, leadMs }) => ({
          leadMs: Math.round(leadMs),
          tokensPerSecond: tokens / Math.max(leastSeconds, observed),
          usualTokensPerSecond: usualTokens / Math.max(leastSeconds, usuallyObserved),
        }));
        return [{ candidateSet: first.candidateSet, tenantId: first.tenantId, arrivals }];
      });
    },
  };
}
