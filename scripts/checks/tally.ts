/** What a check or a suite of tests came to. */
export interface Tally {
  passed: number;
  /** One line for each failure. */
  failed: string[];
  skipped: { test: string; reason: string }[];
}

/** Adds up; the lines keep their order. */
export function sumTallies(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, { passed }) => sum + passed, 0),
    failed: tallies.flatMap(({ failed }) => failed),
    skipped: tallies.flatMap(({ skipped }) => skipped),
  };
}

/** The very last line of `npm test`. */
export function summaryLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`;
}

/** 0 only when nothing failed and something ran: a run that saw no test proves nothing. */
export function exitCodeOf({ passed, failed }: Tally): 0 | 1 {
  return failed.length === 0 && passed > 0 ? 0 : 1;
}
