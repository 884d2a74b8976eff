import type { Clock, EventSink, Outcome, StreamProgress } from "@sluice/domain";
import type { Dispatcher } from "undici";
import { classifyAnswer } from "./classify-answer.ts";
import { abortReason, classifyFailure, type Failure } from "./classify-failure.ts";
import type { DistributiveOmit } from "./distributive-omit.ts";
import { readEvents, readWhole } from "./read-answer.ts";
import { headerOf, type ResponseHeaders } from "./response-headers.ts";

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
  /** Takes the events when the upstream answers with a stream. */
  readonly stream?: EventSink | undefined;
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

/** No upstream is silent for longer in the middle of a stream: those that think long send comments or pings. */
const longestSilenceMs = 60_000;
/** A connection whose stream is complete and which does not close by itself is of no more use after this. */
const drainMs = 5_000;

function createHandler(input: Exchange, resolve: (outcome: Outcome) => void): Dispatcher.DispatchHandler {
  const { clock, signal } = input;
  const startedAt = clock.monotonicMs();
  let controller: Dispatcher.DispatchController | undefined;
  let sentAt: number | undefined;
  let firstTokenAt: number | undefined;
  let answer: { readonly statusCode: number; readonly headers: ResponseHeaders } | undefined;
  let reader = readWhole(input.maxAnswerBytes);
  let isStream = false;
  let ended = false;
  let cancelSilence = (): void => {};
  let cancelDrain = (): void => {};

  const timing = () => ({
    latencyMs: clock.monotonicMs() - (sentAt ?? startedAt),
    ...(sentAt === undefined ? {} : { sentAfterMs: sentAt - startedAt }),
    ...(sentAt === undefined || firstTokenAt === undefined ? {} : { firstTokenMs: firstTokenAt - sentAt }),
  });
  const finish = (outcome: Outcome): void => {
    if (ended) return;
    ended = true;
    cancelTimer();
    cancelSilence();
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

  const proceed = (progress: StreamProgress): void => {
    if (ended || answer === undefined) return;
    if (isStream && (progress.kind === "over" || (progress.kind === "more" && progress.began)))
      firstTokenAt ??= clock.monotonicMs();
    if (progress.kind === "broken") stop({ kind: "malformed", reason: progress.reason });
    else if (progress.kind === "over") {
      if (isStream)
        cancelDrain = clock.setTimer(drainMs, () => controller?.abort(new Error("the stream is over")));
      const headers = isStream ? { ...answer.headers, "content-type": "application/json" } : answer.headers;
      finish(
        classifyAnswer(
          { ...answer, headers, body: progress.body },
          { sentAfterMs: 0, ...timing() },
          clock.now(),
        ),
      );
    } else if (isStream) waitForMore();
  };
  const waitForMore = (): void => {
    cancelSilence();
    const room = input.stream?.room();
    if (room === undefined) {
      cancelSilence = clock.setTimer(longestSilenceMs, onTimeout);
      return;
    }
    controller?.pause();
    void room.then(() => {
      if (ended) return;
      cancelSilence = clock.setTimer(longestSilenceMs, onTimeout);
      controller?.resume();
    });
  };

  return {
    onRequestStart(started) {
      controller = started;
      // Given up while it waited for a connection: it must not be sent any more.
      if (ended) started.abort(new Error("the call was given up"));
      else sentAt = clock.monotonicMs();
    },
    onResponseStart(_, statusCode, headers) {
      if (statusCode < 200) return;
      answer = { statusCode, headers };
      if (input.stream === undefined || !isEventStream(answer)) return;
      isStream = true;
      reader = readEvents(input.stream, input.maxAnswerBytes);
    },
    onResponseData(_, chunk) {
      if (!ended) proceed(reader.take(chunk));
    },
    onResponseEnd() {
      if (!ended) proceed(reader.end());
      cancelDrain();
    },
    onResponseError(_, error) {
      cancelDrain();
      finish({ ...classifyFailure(error), ...timing() });
    },
  };
}

/** A stream that begins well; anything else is read as a whole. */
function isEventStream({ statusCode, headers }: { statusCode: number; headers: ResponseHeaders }): boolean {
  const type = headerOf(headers, "content-type") ?? "";
  return statusCode < 300 && /^text\/event-stream\b/i.test(type);
}
