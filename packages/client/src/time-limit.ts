import { setMaxListeners } from "node:events";
import type { Runtime } from "./runtime.ts";

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
export function limitTime(
  { setTimer }: Pick<Runtime, "setTimer">,
  limitMs: number | undefined,
  outer: AbortSignal | undefined,
): TimeLimit {
  const controller = new AbortController();
  let cancel = (): void => undefined;
  let isOver = false;
  const abort = (): void => controller.abort(outer?.reason);
  const expire = (): void => {
    isOver = true;
    controller.abort(new Error(`no answer within ${limitMs} ms`));
  };
  const restart = (): void => {
    cancel();
    if (limitMs !== undefined) cancel = setTimer(Math.min(limitMs, longestMs), expire);
  };
  const clear = (): void => {
    cancel();
    outer?.removeEventListener("abort", abort);
  };
  if (outer?.aborted) abort();
  else restart();
  outer?.addEventListener("abort", abort, { once: true });
  // Hundreds of waits under one signal are no leak, whatever Node may suspect.
  for (const signal of [outer, controller.signal]) if (signal !== undefined) setMaxListeners(0, signal);
  const end = (): void => {
    clear();
    controller.abort();
  };
  return { signal: controller.signal, isOver: () => isOver, restart, clear, end };
}
