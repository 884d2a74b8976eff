import type {
  Clock,
  JobId,
  Logger,
  StreamChunk,
  StreamNews,
  StreamPlace,
  StreamReaderLedger,
} from "@sluice/domain";

/** How often the ledger is asked while somebody waits: small beside the time to a first token. */
const lookEveryMs = 50;
/** Looks take at most this share of the time, however many follow. */
const mostOfTheTime = 0.2;
/** After a fault of the ledger. */
const lookAgainMs = 1_000;

export interface StreamFollower {
  /**
   * What comes after the event `after` of a job's stream: at least one chunk, or that the job has ended and nothing
   * more comes. `undefined` when `signal` aborts first.
   */
  next(jobId: JobId, after: number, signal: AbortSignal): Promise<StreamNews | undefined>;
}

interface Wait {
  readonly place: StreamPlace;
  readonly done: (news: StreamNews | undefined) => void;
}

/**
 * Follows streams in the ledger for any number of readers: those of one process share one query a look, by primary
 * key, and without readers nothing is asked. Whoever writes slowly asks less often.
 */
export function createStreamFollower(ports: {
  ledger: Pick<StreamReaderLedger, "readStreams">;
  clock: Clock;
  logger: Logger;
}): StreamFollower {
  const { ledger, clock, logger } = ports;
  const waits = new Set<Wait>();
  let isLooking = false;

  async function look(): Promise<void> {
    const startedAt = clock.monotonicMs();
    const asked = [...waits];
    const waitMs = await ledger.readStreams(asked.map(({ place }) => place)).then(
      (news) => {
        for (const [index, { place, done }] of asked.entries()) {
          const found = news[index];
          if (found !== undefined && isNews(found)) done(withoutSeen(found, place.after));
        }
        return Math.max(lookEveryMs, (clock.monotonicMs() - startedAt) / mostOfTheTime);
      },
      (error: unknown) => {
        logger.warn({ err: error }, "the ledger did not say what there is of the streams");
        return lookAgainMs;
      },
    );
    clock.setTimer(waitMs, goOn);
  }

  function goOn(): void {
    isLooking = waits.size > 0;
    if (isLooking) void look();
  }

  return {
    next(jobId, after, signal) {
      if (signal.aborted) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        const done = (news: StreamNews | undefined): void => {
          signal.removeEventListener("abort", leave);
          waits.delete(wait);
          resolve(news);
        };
        const leave = (): void => done(undefined);
        const wait = { place: { jobId, after }, done };
        signal.addEventListener("abort", leave);
        waits.add(wait);
        if (isLooking) return;
        isLooking = true;
        void look();
      });
    },
  };
}

function isNews({ chunks, isOver }: StreamNews): boolean {
  return chunks.length > 0 || isOver;
}

/** A reader may resume in the middle of a chunk. */
function withoutSeen({ chunks: [first, ...rest], isOver }: StreamNews, after: number): StreamNews {
  if (first === undefined || first.first > after)
    return { chunks: first === undefined ? [] : [first, ...rest], isOver };
  return { chunks: [laterPart(first, after), ...rest], isOver };
}

/** Events end at a blank line, and none has one inside. */
function laterPart({ first, last, data }: StreamChunk, after: number): StreamChunk {
  let start = 0;
  for (let number = first; number <= after; number += 1) start = data.indexOf("\n\n", start) + 2;
  return { first: after + 1, last, data: data.subarray(start) };
}
