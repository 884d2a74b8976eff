import type { Clock, Outcome } from "@sluice/domain";
import type { Dispatcher } from "undici";
import { classifyAnswer } from "./classify-answer.ts";
import { abortReason, classifyFailure, type Failure } from "./classify-failure.ts";
import type { DistributiveOmit } from "./distributive-omit.ts";
import type { ResponseHeaders } from "./response-headers.ts";

/** One request that is ready to go. */
export interface Exchange {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly signal: AbortSignal;
  /** For the whole exchange, connecting included. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly clock: Clock;
}

type Ending = DistributiveOmit<Failure, "latencyMs" | "sentAfterMs">;

/**
 * Posts one request and answers how it ended; never rejects.
 * Drives undici's dispatcher instead of its `request`, because only there can be seen when the request went onto
 * the wire, from which the upstream's windows count.
 */
export function exchange(input: Exchange): Promise<Outcome> {
  return new Promise((resolve) => {
    const handler = createHandler(input, resolve);
    const options = {
      origin: input.origin,
      path: input.path,
      method: "POST",
      headers: input.headers,
      body: input.body,
      // One timer of our own covers every phase: undici's start anew with each byte of a dripping body.
      headersTimeout: 0,
      bodyTimeout: 0,
    } as const;
    try {
      input.dispatcher.dispatch(options, handler);
    } catch (error) {
      handler.onResponseError?.(undefined as never, error as Error);
    }
  });
}

function createHandler(input: Exchange, resolve: (outcome: Outcome) => void): Dispatcher.DispatchHandler {
  const { clock, signal } = input;
  const startedAt = clock.monotonicMs();
  let controller: Dispatcher.DispatchController | undefined;
  let sentAt: number | undefined;
  let answer: { readonly statusCode: number; readonly headers: ResponseHeaders } | undefined;
  let ended = false;
  let size = 0;
  const chunks: Buffer[] = [];

  const timing = () => ({
    latencyMs: clock.monotonicMs() - (sentAt ?? startedAt),
    ...(sentAt === undefined ? {} : { sentAfterMs: sentAt - startedAt }),
  });
  const finish = (outcome: Outcome): void => {
    if (ended) return;
    ended = true;
    cancelTimer();
    signal.removeEventListener("abort", onAbort);
    resolve(outcome);
  };
  const stop = (ending: Ending): void => {
    finish({ ...ending, ...timing() });
    controller?.abort(new Error("the call was given up"));
  };
  const onAbort = (): void => stop({ kind: "aborted", reason: abortReason(signal) });
  const onTimeout = (): void =>
    stop({
      kind: "timed-out",
      phase: answer !== undefined ? "body" : sentAt === undefined ? "connect" : "headers",
    });
  const cancelTimer = clock.setTimer(Math.max(0, input.timeoutMs), onTimeout);
  signal.addEventListener("abort", onAbort, { once: true });

  return {
    onRequestStart(started) {
      controller = started;
      // Given up while it waited for a connection: it must not be sent any more.
      if (ended) started.abort(new Error("the call was given up"));
      else sentAt = clock.monotonicMs();
    },
    onResponseStart(_, statusCode, headers) {
      if (statusCode >= 200) answer = { statusCode, headers };
    },
    onResponseData(_, chunk) {
      size += chunk.length;
      if (size > input.maxAnswerBytes)
        stop({ kind: "malformed", reason: `it is longer than ${input.maxAnswerBytes} bytes` });
      else if (!ended) chunks.push(chunk);
    },
    onResponseEnd() {
      if (answer === undefined || ended) return;
      const body = Buffer.concat(chunks, size);
      const { latencyMs, sentAfterMs } = timing();
      finish(classifyAnswer({ ...answer, body }, { latencyMs, sentAfterMs: sentAfterMs ?? 0 }, clock.now()));
    },
    onResponseError(_, error) {
      finish({ ...classifyFailure(error), ...timing() });
    },
  };
}
