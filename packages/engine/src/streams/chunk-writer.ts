import type { AppendChunk, Clock, Logger, StreamWriterLedger } from "@sluice/domain";
import { pause } from "../commit-settlement.ts";

/** Events wait this long for others before they are committed; the first does not wait. */
const gatherMs = 50;
/** About how much one row holds. */
const chunkBytes = 64 * 1024;
/** Above this the upstream is read no further until the ledger has caught up. */
const mostPendingBytes = 256 * 1024;
const retryMs = 250;
/** As long as a settlement is tried: the call is paid for. */
const giveUpMs = 600_000;

type Owner = Pick<AppendChunk, "jobId" | "epoch" | "workerId">;

export interface ChunkWriter {
  /** Takes the next event, as server-sent text. */
  write(text: string): void;
  /** Resolves when there is room again; `undefined`: there is now. */
  room(): Promise<void> | undefined;
  /**
   * Commits what is left: of a `complete` answer all of it, else what one try brings. Answers whether a client may have
   * seen any of it.
   */
  close(ending: "complete" | "broken"): Promise<boolean>;
  /** Aborts (reason `cancelled`) when the attempt turns out not to own its job any more. */
  readonly fenced: AbortSignal;
}

export interface ChunkWriterPorts {
  readonly ledger: StreamWriterLedger;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Commits the events of one attempt in order, gathered into chunks; those of many attempts share a statement. */
export function createChunkWriter(ports: ChunkWriterPorts, owner: Owner, firstNumber: number): ChunkWriter {
  const { ledger, clock, logger } = ports;
  const fence = new AbortController();
  let pending: string[] = [];
  let pendingBytes = 0;
  let next = firstNumber;
  let began = false;
  let running: Promise<void> | undefined;
  let gathersUntil = 0;
  let closing: "complete" | "broken" | undefined;
  let wanted: PromiseWithResolvers<void> | undefined;
  let cancelTimer: (() => void) | undefined;

  function flushSoon(): void {
    if (running !== undefined || cancelTimer !== undefined || pending.length === 0) return;
    const waitMs =
      closing === undefined && pendingBytes < chunkBytes ? gathersUntil - clock.monotonicMs() : 0;
    if (waitMs <= 0) flush();
    else {
      cancelTimer = clock.setTimer(waitMs, () => {
        cancelTimer = undefined;
        flush();
      });
    }
  }

  function flush(): void {
    gathersUntil = clock.monotonicMs() + gatherMs;
    running = commit(take()).finally(() => {
      running = undefined;
      if (fence.signal.aborted) drop();
      if (pendingBytes <= mostPendingBytes) wanted?.resolve();
      flushSoon();
    });
  }

  function take(): AppendChunk {
    let bytes = 0;
    let count = 0;
    for (const text of pending) {
      bytes += Buffer.byteLength(text);
      if (count > 0 && bytes > chunkBytes) break;
      count += 1;
    }
    const data = Buffer.from(pending.splice(0, count).join(""));
    pendingBytes -= data.length;
    const first = next;
    next += count;
    return { ...owner, first, last: next - 1, data };
  }

  /** From the first try on a client may have the events: an answer that is lost says nothing of the commit. */
  async function commit(chunk: AppendChunk): Promise<void> {
    const giveUpAt = clock.monotonicMs() + giveUpMs;
    for (;;) {
      try {
        const [result] = await ledger.appendEvents([chunk]);
        if (result === "fenced") fence.abort("cancelled");
        else began = true;
        return;
      } catch (error) {
        began = true;
        logger.warn({ jobId: owner.jobId, err: error }, "events of a stream are not committed yet");
        if (closing === "broken" || clock.monotonicMs() >= giveUpAt) return drop();
        await pause(ports, retryMs);
      }
    }
  }

  function drop(): void {
    pending = [];
    pendingBytes = 0;
  }

  return {
    fenced: fence.signal,
    write(text) {
      if (fence.signal.aborted) return;
      pending.push(text);
      pendingBytes += Buffer.byteLength(text);
      flushSoon();
    },
    room() {
      if (pendingBytes <= mostPendingBytes) return undefined;
      wanted = Promise.withResolvers();
      return wanted.promise;
    },
    async close(ending) {
      closing = ending;
      cancelTimer?.();
      cancelTimer = undefined;
      flushSoon();
      while (running !== undefined) await running;
      return began;
    },
  };
}
