import type { Target } from "../config-types.ts";
import type { Outcome } from "../outcome.ts";

export interface ModelCall {
  readonly target: Target;
  readonly endpoint: string;
  /** The client's request body; only its `model` is replaced. */
  readonly body: Buffer;
  readonly jobId: string;
  readonly epoch: number;
  readonly traceparent: string | undefined;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Calls an upstream; every ending is an outcome, it never throws for what an upstream does. */
export interface ModelClient {
  call(call: ModelCall): Promise<Outcome>;
}
