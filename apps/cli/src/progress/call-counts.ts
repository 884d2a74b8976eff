import { readLocal } from "../api/api-client.ts";

/** Calls that succeeded, by target. */
export type CallCounts = Readonly<Record<string, number>>;

/** Where to read the counters of the workers, and which pool a target is in. */
export interface CallCountSource {
  /** Base URLs of the workers' `/metrics`. */
  readonly workers: readonly string[];
  readonly pools: Readonly<Record<string, string>>;
}

/** Counts the calls that succeeded since it was made, by pool. Workers that do not answer count as before. */
export interface PoolCounter {
  read(): Promise<Readonly<Record<string, number>>>;
}

const sample = /^sluice_attempts_total\{([^}]*)\} ([\d.e+]+)$/gm;

/** Reads the successful calls of one worker from its Prometheus text. */
export function parseCallCounts(text: string): CallCounts {
  const counts: Record<string, number> = {};
  for (const [, labels = "", value = "0"] of text.matchAll(sample)) {
    const target = /target="((?:[^"\\]|\\.)*)"/.exec(labels)?.[1];
    if (target === undefined || !labels.includes('outcome="succeeded"')) continue;
    counts[target] = (counts[target] ?? 0) + Number(value);
  }
  return counts;
}

/** Counts from now on. A worker that was restarted counts from 0 again; what it had before is kept. */
export async function createPoolCounter(source: CallCountSource): Promise<PoolCounter> {
  const before = new Map<string, CallCounts>();
  const sums: Record<string, number> = {};

  async function readWorker(url: string): Promise<CallCounts | undefined> {
    const answer = await readLocal(`${url}/metrics`).catch(() => undefined);
    return answer?.status === 200 ? parseCallCounts(answer.text) : undefined;
  }
  await Promise.all(source.workers.map(async (url) => before.set(url, (await readWorker(url)) ?? {})));

  async function add(url: string): Promise<void> {
    const now = await readWorker(url);
    if (now === undefined) return;
    for (const [target, calls] of Object.entries(now)) {
      const last = before.get(url)?.[target] ?? 0;
      const pool = source.pools[target] ?? target;
      sums[pool] = (sums[pool] ?? 0) + (calls >= last ? calls - last : calls);
    }
    before.set(url, now);
  }
  return {
    async read() {
      await Promise.all(source.workers.map(add));
      return Object.fromEntries(Object.entries(sums).filter(([, calls]) => calls > 0));
    },
  };
}
