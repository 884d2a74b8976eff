import type { RetryPolicy } from "@sluice/domain";

/**
 * How long to wait before try number `attempt` + 1 (1 is the first that failed): exponential with full jitter,
 * uniform in [0, min(max, base · 2^(attempt − 1))] (AWS, "Exponential Backoff And Jitter"). `random` is in [0, 1).
 */
export function backoffMs(attempt: number, policy: RetryPolicy, random: number): number {
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.max(0, attempt - 1));
  return Math.round(random * ceiling);
}
