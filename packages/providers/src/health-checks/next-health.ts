import type { ProviderHealth } from "@sluice/domain";

/** How many checks in a row change the verdict. */
export interface HealthThresholds {
  /** Passes that bring a provider back after failures. */
  readonly healthyAfter: number;
  /** Failures that take it out. */
  readonly unhealthyAfter: number;
}

/** The health of a provider that was not checked yet. */
export const unchecked: ProviderHealth = { ok: false, checkedAt: 0, passedAt: 0, failures: 0, passes: 0 };

/** The health after one more check, which ended at `checkedAt` (ms since 1970). The very first pass is enough. */
export function nextHealth(
  before: ProviderHealth,
  check: { readonly passed: boolean; readonly checkedAt: number },
  { healthyAfter, unhealthyAfter }: HealthThresholds,
): ProviderHealth {
  const { passed, checkedAt } = check;
  if (!passed) {
    const failures = before.failures + 1;
    const ok = before.ok && failures < unhealthyAfter;
    return { ...before, ok, checkedAt, failures, passes: 0 };
  }
  const passes = before.passes + 1;
  const ok = before.ok || before.passedAt === 0 || passes >= healthyAfter;
  return { ok, checkedAt, passedAt: checkedAt, failures: 0, passes };
}
