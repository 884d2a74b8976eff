import type { FaultCluster } from "./kit/fault-cluster.ts";
import type { LedgerReader } from "./kit/read-ledger.ts";
import type { Workload } from "./kit/workload.ts";

/** What a fault has at hand when it is injected. */
export interface Scene {
  readonly cluster: FaultCluster;
  readonly ledger: LedgerReader;
  readonly workload: Workload;
  /** Jobs whose calls were in flight when it began. */
  readonly inFlight: readonly string[];
}

/** Whether an injection did what it was meant to, and how that was seen. */
export interface Bite {
  readonly bit: boolean;
  readonly how: string;
}

/** One of the forty faults. */
export interface Fault {
  /** Its number in the list of docs/reliability.md. */
  readonly number: number;
  readonly name: string;
  /** Calls that it may cost beyond one for each job. */
  readonly duplicateCalls: (scene: Scene) => number;
  /** Breaks something and mends it again; the work goes on meanwhile. */
  readonly inject: (scene: Scene) => Promise<Bite>;
}
