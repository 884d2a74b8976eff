import { concurrently } from "./concurrently.ts";
import { SluiceTimeoutError } from "./errors.ts";
import { hasEnded } from "./job-status.ts";
import { createRetrier, outageMs } from "./retry.ts";
import { limitTime } from "./time-limit.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { EndedJob, Job } from "./types.ts";

/** Options of a wait. */
export interface WaitOptions extends CallOptions {
  /** How long to wait; without it, until the job's end. */
  timeoutMs?: number | undefined;
}

const pollSeconds = 30;
/** An answer that came sooner was not waited for. */
const quickMs = 1_000;
const pauseMs = 500;

/** Options of waiting for many jobs. */
export interface WaitAllOptions extends CallOptions {
  /** Jobs asked for at once; 32 by default. */
  concurrency?: number | undefined;
}

/** Waits for jobs, and gives each when it has ended. */
export async function* waitForAll<Body>(
  transport: Transport,
  ids: AsyncGenerator<string, void>,
  { concurrency = 32, signal }: WaitAllOptions,
): AsyncGenerator<EndedJob<Body>, void, undefined> {
  // Whoever stops reading ends the waits that are under way.
  const left = limitTime(transport.options.runtime, undefined, signal);
  const work = async (id: string) => [await waitForJob<Body>(transport, id, { signal: left.signal })];
  try {
    yield* concurrently({ inputs: ids, most: concurrency, order: "finished", work });
  } finally {
    left.end();
    void ids.return().catch(() => undefined);
  }
}

/** Reads a job with long polls until it has ended. Throws a {@link SluiceTimeoutError} when the time is over. */
export async function waitForJob<Body>(
  transport: Transport,
  id: string,
  { timeoutMs, signal }: WaitOptions,
): Promise<EndedJob<Body>> {
  const limit = limitTime(transport.options.runtime, timeoutMs, signal);
  try {
    return await poll(transport, id, limit.signal);
  } catch (error) {
    throw limit.isOver() ? new SluiceTimeoutError(id, timeoutMs ?? 0) : error;
  } finally {
    limit.clear();
  }
}

async function poll<Body>(transport: Transport, id: string, signal: AbortSignal): Promise<EndedJob<Body>> {
  const { runtime } = transport.options;
  const retrier = createRetrier({ runtime, signal, outageMs });
  const path = `/v1/jobs/${encodeURIComponent(id)}?wait=${pollSeconds}`;
  for (;;) {
    const askedAt = runtime.now();
    try {
      const job = await transport.json<Job<Body>>({
        path,
        signal,
        waitMs: pollSeconds * 1000,
        maxRetries: 0,
      });
      if (hasEnded(job)) return job;
      retrier.succeeded();
    } catch (error) {
      await retrier.failed(error);
      continue;
    }
    if (runtime.now() - askedAt < quickMs) await runtime.sleep(pauseMs, signal);
  }
}
