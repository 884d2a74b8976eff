import type { Clock, Logger, TenantLedger } from "@sluice/domain";

export interface RecordKeyUsePorts {
  readonly ledger: Pick<TenantLedger, "recordKeyUse">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Tells the ledger when keys were last used. Nothing waits for it. */
export interface KeyUseRecorder {
  used(keyId: string): void;
  /** Writes what is gathered. */
  flush(): Promise<void>;
}

const gatherMs = 30_000;

/** Makes the recorder: one statement for all that was used in half a minute, whatever the number of requests. */
export function createKeyUseRecorder({ ledger, clock, logger }: RecordKeyUsePorts): KeyUseRecorder {
  const pending = new Map<string, number>();
  let cancel: (() => void) | undefined;

  async function flush(): Promise<void> {
    cancel?.();
    cancel = undefined;
    const uses = [...pending].map(([keyId, at]) => ({ keyId, at }));
    pending.clear();
    if (uses.length === 0) return;
    await ledger.recordKeyUse(uses).catch((error: unknown) => {
      logger.debug({ err: error }, "the ledger was not told which keys were used");
    });
  }

  return {
    used(keyId) {
      pending.set(keyId, clock.now());
      cancel ??= clock.setTimer(gatherMs, () => void flush());
    },
    flush,
  };
}
