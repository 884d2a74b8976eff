import type { Batch, BatchId, BatchLedger, Clock, Logger } from "@sluice/domain";

/** A validation whose process has not been heard of for this long may be begun again by another one. */
const leaseMs = 120_000;
/** Also how long a validation goes on after its batch was cancelled. */
const renewEveryMs = 10_000;

export interface ValidationClaimPorts {
  readonly ledger: Pick<BatchLedger, "claimValidation">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names this process in the claim. */
  readonly holder: string;
}

/** A batch that this process validates, and no other. */
export interface ValidationClaim {
  readonly batch: Batch;
  /** Whether the batch was cancelled or given to another process meanwhile. */
  isOver(): boolean;
  /** Stops renewing; the claim runs out by itself. */
  stop(): void;
}

/** Claims a batch and renews the claim until it is stopped; `undefined` when it is not to be had. */
export async function claimValidation(
  { ledger, clock, logger, holder }: ValidationClaimPorts,
  id: BatchId,
): Promise<ValidationClaim | undefined> {
  const batch = await ledger.claimValidation(id, holder, leaseMs);
  if (batch === undefined) return undefined;
  let [isOver, isStopped] = [false, false];

  async function renew(): Promise<void> {
    try {
      if ((await ledger.claimValidation(id, holder, leaseMs)) === undefined) isOver = true;
    } catch (error) {
      logger.warn({ batchId: id, err: error }, "the claim on a batch's validation was not renewed");
    }
  }

  function schedule(): () => void {
    return clock.setTimer(renewEveryMs, () => {
      void renew().finally(() => {
        if (!isOver && !isStopped) cancelTimer = schedule();
      });
    });
  }
  let cancelTimer = schedule();
  return {
    batch,
    isOver: () => isOver,
    stop() {
      isStopped = true;
      cancelTimer();
    },
  };
}
