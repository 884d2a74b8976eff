/** How many of the lines had ended at a moment (ms, of any clock that does not step back). */
export interface ProgressSample {
  readonly at: number;
  readonly done: number;
}

export interface Progress {
  /** Lines ended per second lately; 0 before the second sample. */
  readonly perSecond: number;
  /** Until the last line ends at this rate; `undefined` while nothing moves. */
  readonly etaMs: number | undefined;
}

export interface ProgressEstimate {
  /** Adds a sample; samples come in order of time. */
  add(sample: ProgressSample): void;
  /** The rate and the time left as of the newest sample. */
  read(): Progress;
}

/**
 * Estimates the rate and the end of a run from counts over time.
 * The rate is that of the last `windowMs`, so that it follows a change of pace and does not jump with each line.
 */
export function createProgressEstimate(options: {
  readonly total: number;
  readonly windowMs?: number;
}): ProgressEstimate {
  const windowMs = options.windowMs ?? 30_000;
  const samples: ProgressSample[] = [];
  return {
    add(sample) {
      samples.push(sample);
      // One sample older than the window stays: it is where the window begins.
      while (samples.length > 2 && (samples[1]?.at ?? 0) <= sample.at - windowMs) samples.shift();
    },
    read() {
      const first = samples[0];
      const last = samples.at(-1);
      if (first === undefined || last === undefined || last.at <= first.at)
        return { perSecond: 0, etaMs: undefined };
      const perMs = Math.max(0, last.done - first.done) / (last.at - first.at);
      const left = Math.max(0, options.total - last.done);
      const etaMs = left === 0 ? 0 : perMs === 0 ? undefined : left / perMs;
      return { perSecond: perMs * 1_000, etaMs };
    },
  };
}
