/** Jobs whose effective deadlines fall into the same 10 s share a priority and stay in order of arrival. */
const stepMs = 10_000;

/** BullMQ keeps priorities in 21 bits. */
export const maxLanePriority = 2_097_151;

/**
 * BullMQ's priority (lower runs first) of a job in a lane that began at `epochAt`; both in ms since 1970.
 * Never 0: BullMQ runs jobs without priority before all others.
 */
export function lanePriority(effectiveDeadlineAt: number, epochAt: number): number {
  const steps = Math.floor((effectiveDeadlineAt - epochAt) / stepMs);
  return Math.min(maxLanePriority, Math.max(1, 1 + steps));
}
