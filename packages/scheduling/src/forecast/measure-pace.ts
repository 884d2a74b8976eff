/** What a target has been seen to take, beside what its limits allow. */
export interface PaceMeasure {
  /** Charged tokens, and the seconds in which it took them while there was always work; old ones weigh less. */
  readonly tokens: number;
  readonly seconds: number;
  /** Tokens per second of late, busy or not. */
  readonly recent: number;
}

export interface PaceSample {
  readonly seconds: number;
  readonly tokens: number;
  /** Whether there was always more work than it took. */
  readonly isBusy: boolean;
}

export const unmeasured: PaceMeasure = { tokens: 0, seconds: 0, recent: 0 };

/** In seconds: limits of a minute are used unevenly, so it must be about a minute. */
const busyHalfLife = 60;
/** What was measured holds for a while, then the limits are asked again. */
const idleHalfLife = 1_800;
const recentSeconds = 20;

/** Takes a sample in. */
export function measurePace(last: PaceMeasure, { seconds, tokens, isBusy }: PaceSample): PaceMeasure {
  const fresh = 1 - Math.exp(-seconds / recentSeconds);
  const recent = last.recent + (tokens / Math.max(seconds, 0.001) - last.recent) * fresh;
  const keep = 0.5 ** (seconds / (isBusy ? busyHalfLife : idleHalfLife));
  return {
    tokens: last.tokens * keep + (isBusy ? tokens : 0),
    seconds: last.seconds * keep + (isBusy ? seconds : 0),
    recent,
  };
}

/** What the limits allow counts as so many seconds of measuring, fewer the longer has been measured in truth. */
const imaginedSeconds = 15;
const trustedSeconds = 20;

/** Tokens per second that a target takes when there is always work; `allowed` by its limits. */
export function paceOfMeasure({ tokens, seconds, recent }: PaceMeasure, allowed: number): number {
  const imagined = imaginedSeconds * 0.5 ** (seconds / trustedSeconds);
  return Math.max((tokens + allowed * imagined) / (seconds + imagined), recent);
}
