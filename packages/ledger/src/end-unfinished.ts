import type {
  BatchLine,
  EventIds,
  JobFailure,
  JobId,
  LineBytesOf,
  MovedJob,
  TerminalJobState,
} from "@sluice/domain";
import { idFromUuid } from "@sluice/domain";
import type { Sql, Transaction } from "./client.ts";
import { type Move, type Moved, moveJobs } from "./move-jobs.ts";
import { deliveryIds } from "./tell-receivers.ts";

/** A job that ends without an answer of the upstream. */
export interface Unfinished {
  readonly jobId: JobId;
  readonly from: Move["from"];
  readonly line: BatchLine | undefined;
  readonly state: TerminalJobState;
  readonly failure: JobFailure;
}

export interface Ending {
  readonly now: number;
  readonly newIds: () => EventIds;
  readonly lineBytesOf: LineBytesOf;
  readonly leaderEpoch?: number;
}

/** The step that ends such a job; its batch line counts with the bytes it will have in the error file. */
export function endingMove({ jobId, from, line, state, failure }: Unfinished, ending: Ending): Move {
  const lineBytes = line === undefined ? 0 : ending.lineBytesOf({ ...line, jobId, failure });
  const to = { state, result: undefined, failure, lineBytes, ids: ending.newIds() };
  return { jobId, from, epoch: undefined, workerId: undefined, at: ending.now, attempt: undefined, to };
}

/** Ends such jobs in one statement; answers those that were still there. */
export async function endUnfinished(
  sql: Sql | Transaction,
  jobs: readonly Unfinished[],
  ending: Ending,
): Promise<MovedJob[]> {
  const moves = jobs.map((job) => endingMove(job, ending));
  return movedJobs(moves, await moveJobs(sql, moves, ending.leaderEpoch));
}

/** What lanes and deliveries must be told of moved jobs. */
export function movedJobs(moves: readonly Move[], moved: readonly (Moved | undefined)[]): MovedJob[] {
  return moves.flatMap((move, index) => {
    const row = moved[index];
    if (row === undefined) return [];
    const end = move.to.state === "waiting" ? undefined : move.to;
    const failureCode = end?.failure?.code;
    const { state, model, effectiveDeadlineAt } = row;
    const notBeforeAt = row.notBeforeAt ?? undefined;
    const jobId = idFromUuid("job", row.id);
    return [
      {
        jobId,
        model,
        effectiveDeadlineAt,
        notBeforeAt,
        state,
        deliveryIds: deliveryIds(row.deliveries),
        failureCode,
      },
    ];
  });
}
