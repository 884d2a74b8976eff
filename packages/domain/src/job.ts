import type { WebhookPayload } from "./delivery.ts";
import type { BatchId, FileId, JobId, ResponseId, TenantId } from "./ids.ts";

/**
 * Where a job stands (docs/lifecycle.md).
 * queued: accepted, not started · running: an attempt row is committed · waiting: a delayed retry or held for
 * capacity · the rest are terminal.
 */
export type JobState = LiveJobState | TerminalJobState;
export type LiveJobState = "queued" | "running" | "waiting";
export type TerminalJobState = "succeeded" | "failed" | "dead" | "cancelled" | "expired";

/** Every state with the states that may follow it. The ledger's statements repeat this; a test compares them. */
export const jobTransitions: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ["running", "waiting", "cancelled", "expired"],
  running: ["succeeded", "failed", "waiting", "dead", "cancelled", "expired"],
  waiting: ["running", "cancelled", "expired", "dead"],
  succeeded: [],
  failed: [],
  dead: [],
  cancelled: [],
  expired: [],
};

export const terminalJobStates = ["succeeded", "failed", "dead", "cancelled", "expired"] as const;

/** Whether a job in this state will never change again. */
export function isTerminal(state: JobState): state is TerminalJobState {
  return jobTransitions[state].length === 0;
}

/** Throws when `to` may not follow `from`: a caller's bug, never a user's mistake. */
export function assertJobTransition(from: JobState, to: JobState): void {
  if (!jobTransitions[from].includes(to)) throw new Error(`a ${from} job cannot become ${to}`);
}

/** What happens to a job whose deadline passes before it has started. */
export type OnMiss = "expire" | "best_effort";
/** What happens to a job whose earlier attempt was sent and never settled. */
export type OnAmbiguous = "retry" | "fail";

/** Bytes of a request or a result: in the ledger's row, or (above 64 KiB) in the file store. */
export type Payload =
  | { readonly kind: "inline"; readonly bytes: Buffer }
  | { readonly kind: "stored"; readonly key: string; readonly size: number };

/** Payloads above this many bytes go to the file store. */
export const inlinePayloadBytes = 65_536;

/** What a request may ask of routing; it only narrows what the config allows. */
export interface RoutingWishes {
  readonly pools?: readonly string[];
  readonly targets?: readonly string[];
  readonly region?: string;
  /** USD per million tokens, input and output each. */
  readonly maxPrice?: number;
  readonly sort?: "price" | "latency" | "throughput";
  /** Target ids never to be used. */
  readonly exclude?: readonly string[];
}

export type Metadata = Readonly<Record<string, string>>;

/** One line of a batch: where it stood in the file and what the caller calls it. */
export interface BatchLine {
  readonly batchId: BatchId;
  /** 1-based line of the input file. */
  readonly line: number;
  readonly customId: string;
}

/** How a response came about: its caller polls for it, or waited for it. */
export type ResponseKind = "background" | "stored";

/** How a response ends that has a result of the upstream. */
export type ResponseEnding = "completed" | "incomplete" | "failed";

/** A job as accepted; the part of a job that never changes. */
export interface JobSpec {
  readonly id: JobId;
  readonly tenantId: TenantId;
  /** The public alias the client wrote in `model`; also names the lane. */
  readonly model: string;
  /** Path such as `/v1/chat/completions`. */
  readonly endpoint: string;
  readonly sla: string;
  /** 0–9; moves the effective deadline forward. */
  readonly priority: number;
  readonly acceptedAt: number;
  readonly deadlineAt: number;
  readonly effectiveDeadlineAt: number;
  readonly onMiss: OnMiss;
  readonly onAmbiguous: OnAmbiguous;
  readonly maxAttempts: number;
  /** The request's bytes as the client sent them. */
  readonly body: Payload;
  /** Estimated tokens of the prompt. */
  readonly inputTokens: number;
  /** `max_tokens` and its spellings, when the request states one. */
  readonly maxOutputTokens: number | undefined;
  /** What the request needs of a target: `tools`, `json_schema`, `vision`, `stream`… */
  readonly capabilities: readonly string[];
  readonly metadata: Metadata;
  readonly routing: RoutingWishes;
  readonly webhookUrl: string | undefined;
  /** How much a webhook to it tells; thin when it is not said. */
  readonly webhookPayload?: WebhookPayload | undefined;
  /** W3C `traceparent` of the accepting request. */
  readonly traceparent: string | undefined;
  readonly batchLine: BatchLine | undefined;
  /** Names the targets that could serve it when it was accepted; jobs of one set share a window of the lanes. */
  readonly candidateSet: string;
  /** What it is charged in the order between tenants: prompt and expected answer, in tokens. */
  readonly tokens: number;
  /** The API key it came with; its budget pays for it. */
  readonly keyId: string | undefined;
  /** When it was predicted to finish; `undefined` when no prediction was made. */
  readonly estimate: KeptEstimate | undefined;
  /** Its client follows the answer while it comes: the upstream is asked to stream. */
  readonly streamed?: boolean;
  /**
   * Set when its result is read as a Response of OpenAI's under {@link responseOfJob}: in the background, or stored after
   * its caller has got it.
   */
  readonly response?: ResponseKind | undefined;
  /** The response that the request goes on from; its items stand in the request already. */
  readonly previousResponse?: ResponseId | undefined;
}

/** A predicted finish, in ms since 1970. */
export interface FinishEstimate {
  /** As likely before it as after it. */
  readonly p50At: number;
  /** 95 of 100 finish before it. */
  readonly p95At: number;
}

/**
 * A predicted finish with what it was predicted from, in ms from acceptance: what comes true is held against this, so
 * that later predictions are better.
 */
export interface KeptEstimate extends FinishEstimate {
  /** Until the call begins. */
  readonly waitMs: number;
  /** The call itself. */
  readonly serviceMs: number;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
}

export const noUsage: Usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };

/** How a job ended, as the caller reads it. */
export interface JobResult {
  readonly statusCode: number;
  readonly body: Payload;
  readonly contentType: string;
  /** The upstream's own request id, when it sent one. */
  readonly upstreamRequestId: string | undefined;
}

export interface JobFailure {
  /** A stable code of the error catalogue. */
  readonly code: string;
  readonly message: string;
}

/** A job as read from the ledger. */
export interface Job extends JobSpec {
  readonly state: JobState;
  readonly attempts: number;
  readonly epoch: number;
  readonly notBeforeAt: number | undefined;
  /** The limit that it is held for, while it waits for room and not for its next attempt. */
  readonly waitingFor: string | undefined;
  readonly finishedAt: number | undefined;
  readonly result: JobResult | undefined;
  readonly failure: JobFailure | undefined;
  readonly usage: Usage | undefined;
  readonly costUsd: number | undefined;
  readonly targetId: string | undefined;
  /** The dead job that this one was made of. */
  readonly redrivenFrom?: JobId | undefined;
  /** The job that was made of this dead one. */
  readonly redrivenAs?: JobId | undefined;
  /** The job of an earlier batch whose result this one has, without a call. */
  readonly carriedFrom?: JobId | undefined;
}

/** What the owner of a job thinks of its result; what learns from results reads it. */
export interface Feedback {
  readonly givenAt: number;
  /** 0 (useless) to 1. */
  readonly score: number;
  /** In the caller's own words: names, or names with values. */
  readonly labels: readonly string[] | Metadata;
}

/** Source of a file's bytes when it is a view over the ledger. */
export interface BatchView {
  readonly batchId: BatchId;
  readonly side: "output" | "error";
}

/** How long a file may be kept that says so: from one hour to thirty days. OpenAI's. */
export const fileLifeSeconds = { least: 3_600, most: 2_592_000 };

/** What a file's owner sees of it beside its bytes. */
export interface FileDetails {
  readonly id: FileId;
  readonly tenantId: TenantId;
  readonly filename: string;
  readonly purpose: string;
  readonly bytes: number;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
}

/** One content of a file that consists of several. */
export interface FilePiece {
  readonly key: string;
  readonly bytes: number;
}

/** A file and where its bytes are: one content, several one after the other, or the finished lines of a batch. */
export interface FileRecord extends FileDetails {
  readonly content:
    | { readonly kind: "stored"; readonly key: string }
    | { readonly kind: "pieces"; readonly pieces: readonly FilePiece[] }
    /** `isFinal` once its batch has ended: then no line can come any more. */
    | ({ readonly kind: "view"; readonly isFinal: boolean } & BatchView);
}
