import type { ActiveCall } from "./active-call.ts";
import type { CallLog } from "./call-log.ts";
import type { EngineMetrics } from "./engine-metrics.ts";
import type { FaultBook } from "./fault-book.ts";
import type { Limiter } from "./limiter.ts";
import type { Occurrences } from "./occurrences.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Slots } from "./slots.ts";
import type { Statistics } from "./statistics.ts";
import type { TextTape } from "./text-tape.ts";
import type { CountTokens } from "./tokenizer.ts";

/** Monotonic milliseconds. */
type MonotonicClock = () => number;

/** All parts of one simulated upstream. */
export interface Simulator {
  readonly options: ResolvedOptions;
  readonly now: MonotonicClock;
  readonly countTokens: CountTokens;
  readonly tape: TextTape;
  readonly limiter: Limiter;
  readonly slots: Slots;
  readonly faults: FaultBook;
  readonly occurrences: Occurrences;
  readonly statistics: Statistics;
  readonly metrics: EngineMetrics;
  readonly log: CallLog;
  readonly fingerprintKey: (key: string | undefined) => string;
  /** Calls that were admitted and have not ended. */
  readonly inFlight: Set<ActiveCall>;
  readonly listener: Listener;
}

/** The listening socket, which a fault may close for a while. */
export interface Listener {
  /** Nothing is listening for so many ms; answers meanwhile ask to close their connection. */
  refuse(durationMs: number): void;
  isRefusing(): boolean;
}
