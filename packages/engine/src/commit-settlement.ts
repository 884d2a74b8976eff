import type { Settlement, SettleResult } from "@sluice/domain";
import type { ProcessJobPorts } from "./process-job-ports.ts";

const retryMs = 500;
/** As long as the longest call: a restored ledger is back before, and nothing is lost by asking it. */
const giveUpMs = 600_000;

/**
 * Commits how an attempt ended, and tries again while the ledger does not answer, also past the end of the lease:
 * the call is paid for, and the epoch fences off what comes too late. Throws after ten minutes.
 */
export async function commitSettlement(
  ports: Pick<ProcessJobPorts, "ledger" | "clock" | "logger">,
  settlement: Settlement,
): Promise<SettleResult> {
  const giveUpAt = ports.clock.monotonicMs() + giveUpMs;
  for (;;) {
    try {
      const [result] = await ports.ledger.settle([settlement]);
      if (result === undefined) throw new Error("the ledger gave no result for a settlement");
      return result;
    } catch (error) {
      if (ports.clock.monotonicMs() >= giveUpAt) throw error;
      const message = "the outcome is not committed yet; trying again";
      ports.logger.warn({ jobId: settlement.jobId, err: error }, message);
      await pause(ports, retryMs);
    }
  }
}

/** Waits; for tries that follow each other. */
export function pause({ clock }: Pick<ProcessJobPorts, "clock">, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
}
