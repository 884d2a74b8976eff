const shortestMs = 200;
const longestMs = 5_000;
/** Who lived this long has recovered from what made it die before. */
const recoveredMs = 10_000;

/** How long to wait before a dead process is started again, in milliseconds: doubling while it keeps dying early. */
export function restartDelay({
  previousMs,
  livedMs,
}: {
  previousMs: number | undefined;
  livedMs: number;
}): number {
  if (previousMs === undefined || livedMs >= recoveredMs) return shortestMs;
  return Math.min(previousMs * 2, longestMs);
}
