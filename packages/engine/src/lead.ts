import type { Clock, DispatchLedger, Logger } from "@sluice/domain";
import type { Duty } from "./dispatch.ts";

const leaderName = "dispatcher";
// A leader that died is replaced after 8 s at most; windows hold that much work.
const leaderLeaseMs = 6_000;
const renewEveryMs = 2_000;

export interface LeadPorts {
  readonly ledger: Pick<DispatchLedger, "lead" | "resign">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names this process in the leader's row. */
  readonly holder: string;
}

export interface Leading {
  /** Whether this process leads at the moment. */
  leads(): boolean;
  /** When the ledger last said who leads, by the monotonic clock; for readiness. */
  lastProgressMs(): number;
  /** Lets running duties end and gives leadership up. Never rejects. */
  stop(): Promise<void>;
}

/** Stands for leadership and, while it has it, runs the duties; one run of a duty never overlaps its next. */
export function leadDuties(ports: LeadPorts, duties: readonly Duty[]): Leading {
  let epoch: number | undefined;
  let stopped = false;
  let progressMs = ports.clock.monotonicMs();
  const cancels = new Set<() => void>();
  const running = new Set<Promise<void>>();

  function every(delayMs: number, run: () => Promise<void>): void {
    if (stopped) return;
    const cancel = ports.clock.setTimer(delayMs, () => {
      cancels.delete(cancel);
      const turn = run().finally(() => {
        running.delete(turn);
        every(delayMs, run);
      });
      running.add(turn);
    });
    cancels.add(cancel);
  }

  async function stand(): Promise<void> {
    try {
      const answer = await ports.ledger.lead(leaderName, ports.holder, leaderLeaseMs);
      if (answer.leads && epoch === undefined)
        ports.logger.info({ epoch: answer.epoch }, "this dispatcher leads");
      if (!answer.leads && epoch !== undefined) ports.logger.warn({}, "this dispatcher no longer leads");
      epoch = answer.leads ? answer.epoch : undefined;
      progressMs = ports.clock.monotonicMs();
    } catch (error) {
      epoch = undefined;
      ports.logger.warn({ err: error }, "the ledger did not answer who leads");
    }
  }

  async function perform(duty: Duty): Promise<void> {
    if (epoch === undefined) return;
    try {
      await duty.run(epoch);
    } catch (error) {
      ports.logger.warn({ duty: duty.name, err: error }, "a duty failed and will be tried again");
    }
  }

  const first = stand().then(() => {
    every(renewEveryMs, stand);
    for (const duty of duties) every(duty.everyMs, () => perform(duty));
  });

  return {
    leads: () => epoch !== undefined,
    lastProgressMs: () => progressMs,
    async stop() {
      stopped = true;
      await first;
      for (const cancel of cancels) cancel();
      await Promise.all(running);
      if (epoch === undefined) return;
      epoch = undefined;
      await ports.ledger.resign(leaderName, ports.holder).catch((error: unknown) => {
        ports.logger.warn({ err: error }, "leadership was not given up and will lapse by itself");
      });
    },
  };
}
