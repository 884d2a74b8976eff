/** Moments in ms since 1970; priority 0–9. */
export interface DeadlineTerms {
  readonly acceptedAt: number;
  readonly deadlineAt: number;
  readonly priority: number;
}

/**
 * The deadline by which a job is ordered: each step of priority moves it a tenth of the way towards acceptance.
 * It never lies before acceptance, so no priority can make a new job older than one that waits already.
 */
export function effectiveDeadlineAt({ acceptedAt, deadlineAt, priority }: DeadlineTerms): number {
  return deadlineAt - (priority / 10) * (deadlineAt - acceptedAt);
}
