import { concurrently } from "./concurrently.ts";
import { type BulkLine, chunksOf } from "./line-chunks.ts";
import { sendChunk } from "./send-chunk.ts";
import { limitTime } from "./time-limit.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { BulkAnswer, BulkRequest } from "./types.ts";

/** Options of a bulk submission. */
export interface BulkOptions extends CallOptions {
  /**
   * Names this sequence of requests. A request without a key of its own is known by this and its place, so a process
   * that died gives the same requests in the same order again (within 24 hours) and no job is made twice.
   */
  idempotencyKey?: string | undefined;
  /** Calls under way at once; 4 by default. */
  concurrency?: number | undefined;
}

/**
 * Submits requests in calls of up to 500 lines and answers each in order. It reads ahead of the answers that were taken
 * by `concurrency` calls and one, so neither a slow reader nor a slow cluster piles up memory.
 */
export async function* submitBulk(
  transport: Transport,
  requests: Iterable<BulkRequest> | AsyncIterable<BulkRequest>,
  { idempotencyKey = crypto.randomUUID(), concurrency = 4, signal }: BulkOptions,
): AsyncGenerator<BulkAnswer, void, undefined> {
  // Whoever stops reading ends the calls that are under way.
  const left = limitTime(transport.options.runtime, undefined, signal);
  const chunks = chunksOf(linesFrom(requests, idempotencyKey));
  const work = (lines: readonly BulkLine[]) => sendChunk(transport, lines, left.signal);
  try {
    yield* concurrently({ inputs: chunks, most: concurrency, order: "given", work });
  } finally {
    left.end();
    await chunks.return();
  }
}

async function* linesFrom(
  requests: Iterable<BulkRequest> | AsyncIterable<BulkRequest>,
  key: string,
): AsyncGenerator<BulkLine, void, undefined> {
  let index = 0;
  for await (const request of requests) {
    const keyed = { ...request, idempotency_key: request.idempotency_key ?? `${key}:${index}` };
    yield { index, text: JSON.stringify(keyed) };
    index += 1;
  }
}
