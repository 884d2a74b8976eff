import type { JobId, WorkerId } from "../ids.ts";

/** Some events of a job's stream that follow each other, as its client gets them. */
export interface StreamChunk {
  /** Number of the first event. */
  readonly first: number;
  /** Number of the last event. */
  readonly last: number;
  /** The events as server-sent text, each ended by an empty line. */
  readonly data: Buffer;
}

/** A chunk on its way into the ledger, with whose it is. */
export interface AppendChunk extends StreamChunk {
  readonly jobId: JobId;
  readonly epoch: number;
  readonly workerId: WorkerId;
}

/** What a reader of a job's stream has. */
export interface StreamPlace {
  readonly jobId: JobId;
  /** Number of the last event that it has; -1 for none. */
  readonly after: number;
}

/** What follows a place in a stream, all of one moment. */
export interface StreamNews {
  readonly chunks: readonly StreamChunk[];
  /** Whether the job had ended and `chunks` holds all the rest of its stream. */
  readonly isOver: boolean;
}

/** What a worker needs of streams. */
export interface StreamWriterLedger {
  /**
   * Commits chunks, many in one statement; results in the order of `chunks`. `fenced`: the attempt does not own its job
   * any more. A chunk that was committed before (its answer was lost) is `written` again without effect.
   */
  appendEvents(chunks: readonly AppendChunk[]): Promise<("written" | "fenced")[]>;
}

/** What readers of streams need. */
export interface StreamReaderLedger {
  /** What there is beyond each place, a bounded part of it at a time; results in the order of `places`. */
  readStreams(places: readonly StreamPlace[]): Promise<StreamNews[]>;
  /** Number of the last event that was committed; `undefined` when none was. */
  findLastEvent(jobId: JobId): Promise<number | undefined>;
  /** Forgets the events of a job that has ended. */
  dropEvents(jobId: JobId): Promise<void>;
}
