import type { Clock, Logger, WorkerId, WorkerLedger } from "@sluice/domain";

/** How long a worker owns its attempts after it last reached the ledger. */
export const workerLeaseMs = 20_000;
const renewEveryMs = 4_000;
/** Calls are aborted this long before the lease ends, so that they have stopped when the dispatcher gives the jobs away. */
const abortMarginMs = 3_000;

export interface LeaseKeeper {
  readonly workerId: WorkerId;
  /** Aborts (reason `lease-lost`) when the lease can no longer be relied on; a new one after it is regained. */
  signal(): AbortSignal;
  /** Whether attempts may be started now. */
  holds(): boolean;
  /** Ends the lease; calls in flight must have ended before. Never rejects. */
  stop(): Promise<void>;
}

export interface LeaseKeeperPorts {
  readonly ledger: Pick<WorkerLedger, "register" | "renewLease" | "retire">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly process: { readonly host: string; readonly pid: number };
  /** A fresh worker id; a worker that lost its lease goes on under a new name. */
  readonly newWorkerId: () => WorkerId;
  /** Called after each renewal, e.g. to renew reservations. */
  readonly onRenewed?: (workerId: WorkerId) => void;
}

/**
 * Keeps this process's row in the ledger alive. Time is measured from before a renewal was sent, by the monotonic
 * clock: a frozen process finds on waking that its lease is over and aborts before it does anything else.
 */
export async function keepLease(ports: LeaseKeeperPorts): Promise<LeaseKeeper> {
  let workerId = ports.newWorkerId();
  let abort = new AbortController();
  let safeUntil = 0;
  let stopped = false;
  let cancelTimer = (): void => {};
  let cancelGuard = (): void => {};

  async function register(): Promise<void> {
    const askedAt = ports.clock.monotonicMs();
    await ports.ledger.register({ id: workerId, ...ports.process, leaseMs: workerLeaseMs });
    prolong(askedAt);
  }

  function prolong(askedAt: number): void {
    // An answer that comes after the end must not set a timer that nobody cancels.
    if (stopped) return;
    safeUntil = askedAt + workerLeaseMs - abortMarginMs;
    cancelGuard();
    cancelGuard = ports.clock.setTimer(Math.max(0, safeUntil - ports.clock.monotonicMs()), lose);
  }

  function lose(): void {
    if (stopped || abort.signal.aborted || ports.clock.monotonicMs() < safeUntil) return;
    ports.logger.error({ workerId }, "the lease could not be renewed in time: calls in flight are aborted");
    abort.abort("lease-lost");
  }

  async function renew(): Promise<void> {
    const askedAt = ports.clock.monotonicMs();
    if (!abort.signal.aborted && (await ports.ledger.renewLease(workerId, workerLeaseMs))) {
      prolong(askedAt);
      ports.onRenewed?.(workerId);
      return;
    }
    if (stopped) return;
    if (!abort.signal.aborted) abort.abort("lease-lost");
    workerId = ports.newWorkerId();
    await register();
    abort = new AbortController();
  }

  function schedule(): void {
    cancelTimer = ports.clock.setTimer(renewEveryMs, () => {
      renew()
        .catch((error: unknown) => ports.logger.warn({ workerId, err: error }, "the lease was not renewed"))
        .finally(() => {
          if (!stopped) schedule();
        });
    });
  }

  await register();
  schedule();
  return {
    get workerId() {
      return workerId;
    },
    signal: () => abort.signal,
    holds: () => !stopped && !abort.signal.aborted && ports.clock.monotonicMs() < safeUntil,
    async stop() {
      stopped = true;
      cancelTimer();
      cancelGuard();
      await ports.ledger.retire(workerId).catch((error: unknown) => {
        ports.logger.warn({ workerId, err: error }, "the lease was not ended and will lapse by itself");
      });
    },
  };
}
