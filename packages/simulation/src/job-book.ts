import type { FinishEstimate, JobId, JobState } from "@sluice/domain";
import type { Arrival } from "./arrival.ts";
import type { JobRecord } from "./log.ts";

/** The records of a run's jobs, found by number or, where the engine knows a job by its id, by that. */
export interface JobBook {
  /** Opens the record of a job that arrives now; answers its number. */
  open(job: {
    readonly id: JobId;
    readonly arrival: Arrival;
    readonly deadlineAt: number;
    readonly estimate?: FinishEstimate | undefined;
  }): number;
  numberOf(id: JobId): number;
  sizeOf(id: JobId): Pick<Arrival, "inputTokens" | "outputTokens">;
  /** Notes a call; only the first counts. */
  called(id: JobId, now: number): void;
  ended(id: JobId, state: JobState, now: number): void;
  /** Jobs that have not ended. */
  unfinished(): number;
  readonly records: readonly JobRecord[];
}

/** Makes an empty book; moments are kept as counted from `startAt`. */
export function createJobBook(startAt: number): JobBook {
  const records: JobRecord[] = [];
  const numbers = new Map<JobId, number>();
  let unfinished = 0;

  function recordOf(id: JobId): JobRecord {
    const record = records[numbers.get(id) ?? -1];
    if (record === undefined) throw new Error(`the simulation has no job ${id}`);
    return record;
  }

  return {
    records,
    open({ id, arrival, deadlineAt, estimate }) {
      const { sla, tenant, model, inputTokens, outputTokens } = arrival;
      const number = records.length;
      numbers.set(id, number);
      unfinished += 1;
      records.push({
        ...{ sla, tenant, model, inputTokens, outputTokens },
        arrivedAt: arrival.atMs,
        deadlineAt: deadlineAt - startAt,
        estimate: estimate && { p50At: estimate.p50At - startAt, p95At: estimate.p95At - startAt },
        firstCallAt: undefined,
        finishedAt: undefined,
        state: "queued",
      });
      return number;
    },
    numberOf: (id) => numbers.get(id) ?? -1,
    sizeOf: recordOf,
    called(id, now) {
      const record = recordOf(id);
      record.firstCallAt ??= now - startAt;
      record.state = "running";
    },
    ended(id, state, now) {
      Object.assign(recordOf(id), { state, finishedAt: now - startAt });
      unfinished -= 1;
    },
    unfinished: () => unfinished,
  };
}
