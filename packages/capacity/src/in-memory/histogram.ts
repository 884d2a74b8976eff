import type { MinutesOfTimes, Scope } from "./state.ts";

/** `histogram.lua` in memory; its comments say why. */
const minuteMs = 60_000;
const dayMs = 86_400_000;
const lastBucket = 72;

export function countSpend({ spend }: Scope, now: number, microUsd: number): void {
  if (microUsd <= 0) return;
  const day = Math.floor(now / dayMs);
  spend.microUsd = spend.day === day ? spend.microUsd + microUsd : microUsd;
  spend.day = day;
}

/** Micro-USD since midnight UTC. */
export function readSpend({ spend }: Scope, now: number): number {
  return spend.day === Math.floor(now / dayMs) ? spend.microUsd : 0;
}

export function countTime(times: MinutesOfTimes, now: number, ms: number): void {
  const minute = Math.floor(now / minuteMs);
  const half = minute % 2 === 0 ? times[0] : times[1];
  if (half.minute !== minute) {
    half.calls.length = 0;
    half.minute = minute;
  }
  const bucket = ms < 10 ? 0 : Math.min(lastBucket, Math.floor((Math.log(ms / 10) / Math.log(2)) * 4));
  while (half.calls.length <= bucket) half.calls.push(0);
  half.calls[bucket] = (half.calls[bucket] ?? 0) + 1;
}

/** The calls of this and the last minute as a flat list of bucket and count. */
export function readTimes(times: MinutesOfTimes, now: number): number[] {
  const minute = Math.floor(now / minuteMs);
  const halves = times.filter((half) => half.minute >= minute - 1);
  const found: number[] = [];
  const buckets = Math.max(0, ...halves.map(({ calls }) => calls.length));
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const count = halves.reduce((sum, { calls }) => sum + (calls[bucket] ?? 0), 0);
    if (count > 0) found.push(bucket, count);
  }
  return found;
}
