import type { Target } from "../config-types.ts";
import type { Outcome } from "../outcome.ts";

export interface ModelCall {
  readonly target: Target;
  readonly endpoint: string;
  /** The client's request body; only its `model` is replaced, unless the target speaks another dialect. */
  readonly body: Buffer;
  readonly jobId: string;
  readonly epoch: number;
  readonly traceparent: string | undefined;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Asks for the answer as a stream and takes its events; an upstream may answer with one whole all the same. */
  readonly stream?: EventSink | undefined;
}

/** One event of a server-sent stream. */
export interface ServerSentEvent {
  /** Absent when the upstream named none. */
  readonly name: string | undefined;
  /** Its lines of data, joined by line feeds. */
  readonly data: string;
}

/** Where a stream stands after an event. */
export type StreamProgress =
  /** `began`: some of the answer itself has come, not only what precedes it. */
  | { readonly kind: "more"; readonly began: boolean }
  /** It is complete: what it came to, as the upstream would have answered without streaming. */
  | { readonly kind: "over"; readonly body: Buffer }
  /** It cannot become an answer; the reason holds nothing of its content. */
  | { readonly kind: "broken"; readonly reason: string };

/** Takes an upstream's events while they come. Never throws for what an upstream sends. */
export interface EventSink {
  take(event: ServerSentEvent): StreamProgress;
  /** The upstream ended the stream and did not say before that it was complete. */
  end(): StreamProgress;
  /** Resolves when more may be taken; `undefined`: now. */
  room(): Promise<void> | undefined;
}

/** Calls an upstream; every ending is an outcome, it never throws for what an upstream does. */
export interface ModelClient {
  call(call: ModelCall): Promise<Outcome>;
}
