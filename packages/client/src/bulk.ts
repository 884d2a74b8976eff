import { type BulkLine, chunksOf } from "./line-chunks.ts";
import { sendChunk } from "./send-chunk.ts";
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
  const left = new AbortController();
  const abort = (): void => left.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  const chunks = chunksOf(linesFrom(requests, idempotencyKey));
  try {
    yield* inOrder(chunks, concurrency, (lines) => sendChunk(transport, lines, left.signal));
  } finally {
    signal?.removeEventListener("abort", abort);
    left.abort();
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

/** What happened first: a next input, the end of the inputs, or the oldest work. */
type Step<In, Out> =
  | { readonly kind: "input"; readonly input: In }
  | { readonly kind: "end"; readonly error?: unknown }
  | { readonly kind: "outputs"; readonly outputs: readonly Out[] };

/**
 * Works on `most` inputs at once and gives the outputs in order, each as soon as those before it are there. It never
 * waits for an input while an output is ready: the next input may depend on that.
 */
async function* inOrder<In, Out>(
  inputs: AsyncGenerator<In, void>,
  most: number,
  work: (input: In) => Promise<readonly Out[]>,
): AsyncGenerator<Out, void, undefined> {
  const underWay: Promise<Step<In, Out>>[] = [];
  let next: Promise<Step<In, Out>> | undefined;
  let end: { readonly error?: unknown } | undefined;
  while (end === undefined || underWay.length > 0) {
    const wantsMore = end === undefined && next === undefined && underWay.length < most;
    if (wantsMore) next = readInput(inputs);
    const step = await Promise.race([underWay[0], next].filter((one) => one !== undefined));
    if (step.kind === "outputs") {
      void underWay.shift();
      yield* step.outputs;
      continue;
    }
    next = undefined;
    if (step.kind === "end") end = step;
    else underWay.push(outputsOf(work(step.input)));
  }
  if ("error" in end) throw end.error;
}

async function readInput<In>(inputs: AsyncGenerator<In, void>): Promise<Step<In, never>> {
  try {
    const { done, value } = await inputs.next();
    return done ? { kind: "end" } : { kind: "input", input: value };
  } catch (error) {
    return { kind: "end", error };
  }
}

function outputsOf<Out>(work: Promise<readonly Out[]>): Promise<Step<never, Out>> {
  const step = work.then((outputs) => ({ kind: "outputs", outputs }) as const);
  // It is looked at when its turn comes.
  step.catch(() => undefined);
  return step;
}
