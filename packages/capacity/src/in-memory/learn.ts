import type { Readings, StatedReading } from "../report-readings.ts";
import { addEntry, prune, windowMs } from "./common.ts";
import { scopeOf } from "./create-state.ts";
import type { Step } from "./state.ts";
import { tokensOf } from "./windows.ts";

/** `learn.lua` in memory. */
export function learn({ state, now }: Step, targetId: string, id: string, readings: Readings): void {
  if (state.cold !== undefined) return;
  const scope = scopeOf(state.targets, targetId);
  const { log, sums } = scope;
  prune(scope, now);
  const [requests, tokens] = [
    takenByOthers(readings.requests, sums.requests),
    takenByOthers(readings.tokens, tokensOf(sums)),
  ];
  if (requests > 0) {
    sums.requests += requests;
    const leavesAt = now + resetOf(readings.requests);
    addEntry(log, { id: `${id}r`, leavesAt, requests, input: 0, output: 0, other: 0 });
  }
  if (tokens > 0) {
    sums.other += tokens;
    const leavesAt = now + resetOf(readings.tokens);
    addEntry(log, { id: `${id}x`, leavesAt, requests: 0, input: 0, output: 0, other: tokens });
  }
}

function resetOf(reading: StatedReading | undefined): number {
  return Math.min(windowMs, reading?.resetMs ?? windowMs);
}

function takenByOthers(reading: StatedReading | undefined, used: number): number {
  if (reading === undefined || resetOf(reading) <= 0) return 0;
  const left = Math.min(reading.limit - used, reading.left ?? Number.POSITIVE_INFINITY);
  return Math.floor(left - reading.remaining);
}
