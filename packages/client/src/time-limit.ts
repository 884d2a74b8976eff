import { setMaxListeners } from "node:events";

/** A signal that aborts with another one, or when its time is over. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Whether it was the time. */
  isOver(): boolean;
  /** The time begins anew. */
  restart(): void;
  /** No more is to come: its timer and listener go. */
  clear(): void;
  /** Clears it, and aborts whoever is still at work. */
  end(): void;
}

/** A longer delay would overflow a timer and end at once. */
const longestMs = 2_147_483_647;

/**
 * Starts a time limit; `undefined` is none. AbortSignal.any over AbortSignal.timeout would be shorter, but in Node 20
 * such a signal can be collected while it is waited for.
 */
export function limitTime(limitMs: number | undefined, outer: AbortSignal | undefined): TimeLimit {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const abort = (): void => controller.abort(outer?.reason);
  const restart = (): void => {
    clearTimeout(timer);
    if (limitMs !== undefined) timer = setTimeout(expire, Math.min(limitMs, longestMs));
  };
  function expire(): void {
    isOver = true;
    controller.abort(new Error(`no answer within ${limitMs} ms`));
  }
  function clear(): void {
    clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
  }
  function end(): void {
    clear();
    controller.abort();
  }
  if (outer?.aborted) abort();
  else restart();
  outer?.addEventListener("abort", abort, { once: true });
  // Hundreds of waits under one signal are no leak, whatever Node may suspect.
  for (const signal of [outer, controller.signal]) if (signal !== undefined) setMaxListeners(0, signal);
  return { signal: controller.signal, isOver: () => isOver, restart, clear, end };
}
