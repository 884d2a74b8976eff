import type { ServerResponse } from "node:http";
import type { CallRecord } from "./call-log.ts";

/** A call that has arrived and not ended. */
export interface ActiveCall {
  readonly record: CallRecord;
  readonly response: ServerResponse;
  /** Monotonic ms. */
  readonly arrivedAt: number;
  /** Sent as `x-request-id`. */
  readonly id: string;
  /** Sent with every answer of this call. */
  headers: readonly string[];
  /** What to give back when it ends, told how it ended. */
  readonly release: ((status: number) => void)[];
  /** Monotonic ms at which its answer will be complete, Infinity if never. */
  expectedEndAt: number;
  timer: NodeJS.Timeout | undefined;
  isWatched: boolean;
  hasEnded: boolean;
}

/** The caller went away: nginx's number for it. */
export const callerLeft = 499;
/** The connection was cut before a status was sent. */
export const noStatus = 0;
