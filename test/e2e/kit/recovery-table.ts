/** One kill -9 and what was under way then. */
export interface Kill {
  readonly name: string;
  /** Unix milliseconds, as `readyAt`. */
  readonly at: number;
  /** When the supervisor had it ready again. */
  readonly readyAt: number;
  /** Jobs whose calls were in flight. */
  readonly inFlight: readonly string[];
}

/**
 * A table in Markdown of how a cluster got over each kill: until the process was ready again, the longest time without
 * any job ending until the next kill, and until the last job that was in flight had ended. `finished`: when each job
 * ended, by its id, in Unix milliseconds.
 */
export function recoveryTable(kills: readonly Kill[], finished: ReadonlyMap<string, number>): string {
  const rows = kills.map((kill, index) => {
    const until = kills[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const last = Math.max(kill.at, ...kill.inFlight.map((id) => finished.get(id) ?? Number.NaN));
    const columns = [
      kill.readyAt - kill.at,
      longestPause([...finished.values()], kill.at, until),
      last - kill.at,
    ];
    return `| ${kill.name} | ${columns.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(" | ")} |`;
  });
  return [
    "| killed | ready again | longest pause of ending jobs | last job in flight ended |",
    "|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function longestPause(times: readonly number[], from: number, until: number): number {
  const between = times.filter((time) => time > from && time < until).sort((a, b) => a - b);
  return between.reduce(
    ({ longest, last }, time) => ({ longest: Math.max(longest, time - last), last: time }),
    { longest: 0, last: from },
  ).longest;
}
