import type { Entry, Held, Hour, Log, Scope } from "./state.ts";

/** `common.lua` in memory; its comments say why. */
export const windowMs = 60_000;
export const sendMarginMs = 750;
export const hourMs = 3_600_000;
export const dayHours = 24;

/** Entries that have left are kept until there are so many: they are taken away all at once. */
const mostGone = 512;

/** Takes what has left the window out of the sums. */
export function prune({ log, sums }: Scope, now: number): void {
  for (;;) {
    const entry = log.entries[log.first];
    if (entry === undefined || entry.leavesAt > now) break;
    sums.requests -= entry.requests;
    sums.input -= entry.input;
    sums.output -= entry.output;
    sums.other -= entry.other;
    log.first += 1;
  }
  if (log.first < mostGone || log.first * 2 < log.entries.length) return;
  log.entries.splice(0, log.first);
  log.first = 0;
}

function leavesBefore(a: Entry, b: Entry): boolean {
  return a.leavesAt < b.leavesAt || (a.leavesAt === b.leavesAt && a.id < b.id);
}

/** Puts an entry among those of the log. */
export function addEntry({ entries, first }: Log, entry: Entry): void {
  let [low, high] = [first, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = entries[middle];
    if (other !== undefined && leavesBefore(other, entry)) low = middle + 1;
    else high = middle;
  }
  if (low === entries.length) entries.push(entry);
  else entries.splice(low, 0, entry);
}

/** Ends a record's place among the calls in flight and lets its entry age from `countedAt`. */
export function age({ id, input, output, places }: Held, countedAt: number): void {
  for (const { scope } of places) {
    scope.sums.inFlight -= 1;
    scope.sums.inFlightTokens -= input + output;
    addEntry(scope.log, { id, leavesAt: countedAt + windowMs, requests: 1, input, output, other: 0 });
  }
}

/** The first hour that still counts. */
export function firstHour(now: number): number {
  return Math.floor(now / hourMs) - dayHours;
}

/** What a record took of a daily limit. */
export interface DayChange {
  readonly reservedAt: number;
  readonly tokens: number;
  readonly microUsd: number;
}

/** Changes what a record took of a daily limit, in the hour of its reservation. */
export function addDay(day: Hour[], now: number, { reservedAt, tokens, microUsd }: DayChange): void {
  const hour = Math.floor(reservedAt / hourMs);
  if (hour < firstHour(now)) return;
  let place = day.length;
  while (place > 0 && (day[place - 1]?.hour ?? 0) > hour) place -= 1;
  const known = day[place - 1];
  if (known?.hour === hour) {
    known.tokens += tokens;
    known.microUsd += microUsd;
  } else day.splice(place, 0, { hour, tokens, microUsd });
}

const fadeMs = 30_000;
/** 2^27 + 1. */
const upperHalf = 134_217_729;

/** What is left of something after `elapsed` ms, in as many bits as all machines agree on. */
export function fadeAfter(elapsed: number): number {
  const fade = Math.exp(-Math.max(0, elapsed) / fadeMs);
  const high = fade * upperHalf;
  return high - (high - fade);
}
