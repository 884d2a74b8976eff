import type { Clock, ModelCall, ModelClient, Outcome } from "@sluice/domain";
import { Agent } from "undici";
import { askToStream } from "./ask-to-stream.ts";
import { abortReason } from "./classify-failure.ts";
import { exchange } from "./exchange.ts";
import { addressOf, type Providers } from "./provider-address.ts";
import { replaceTopLevelModel } from "./replace-top-level-model.ts";
import { translateCall } from "./translate-call.ts";

export interface ModelClientOptions {
  /** The providers of the active configuration; read for each call, so that a reload takes effect. */
  readonly providers: () => Providers;
  /** Base URLs of the simulators that run, by provider name. */
  readonly simulators?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Connections to one origin, each with one call at a time. Default 512. */
  readonly connections?: number;
  readonly connectTimeoutMs?: number;
  /** A longer answer is malformed. Default 64 MiB. */
  readonly maxAnswerBytes?: number;
}

const defaultConnections = 512;
const defaultConnectTimeoutMs = 10_000;
const defaultMaxAnswerBytes = 64 * 1024 * 1024;

/**
 * Calls upstreams (providers and simulators) with the client's bytes, or, where the target speaks another dialect than
 * the client, with the request and the answer translated.
 */
export function createModelClient(
  options: ModelClientOptions,
): ModelClient & { readonly close: () => Promise<void> } {
  const agent = new Agent({
    connections: options.connections ?? defaultConnections,
    pipelining: 1,
    connect: { timeout: options.connectTimeoutMs ?? defaultConnectTimeoutMs },
  });
  return {
    call: (call) => callModel(agent, options, call),
    /** Closes the connections; calls in flight end first. */
    close: () => agent.close(),
  };
}

/** What a target that speaks another dialect answers is translated, whole or while it comes. */
async function callModel(agent: Agent, options: ModelClientOptions, call: ModelCall): Promise<Outcome> {
  const translated = translateCall(call, options.clock.now());
  if (translated === undefined) return exchangeWith(agent, options, call);
  if (translated === "refused")
    return { kind: "malformed", reason: "the request cannot be translated for the target", latencyMs: 0 };
  const { endpoint, body, stream } = translated;
  return translated.outcome(await exchangeWith(agent, options, { ...call, endpoint, body, stream }));
}

async function exchangeWith(agent: Agent, options: ModelClientOptions, call: ModelCall): Promise<Outcome> {
  const address = addressOf({
    provider: call.target.provider,
    providers: options.providers(),
    simulators: options.simulators ?? {},
    endpoint: call.endpoint,
  });
  if (address === undefined)
    return { kind: "unreachable", reason: "the provider has no address", latencyMs: 0 };
  if (call.signal.aborted) return { kind: "aborted", reason: abortReason(call.signal), latencyMs: 0 };
  return exchange({
    dispatcher: agent,
    origin: address.origin,
    path: address.path,
    headers: { ...address.credentials, ...headersOf(call) },
    body: replaceTopLevelModel(
      call.stream === undefined ? call.body : askToStream(call.endpoint, call.body),
      call.target.model,
    ),
    stream: call.stream,
    signal: call.signal,
    timeoutMs: call.timeoutMs,
    maxAnswerBytes: options.maxAnswerBytes ?? defaultMaxAnswerBytes,
    clock: options.clock,
  });
}

/** The idempotency key is the job's: an upstream that keeps it serves a repeated attempt once. */
function headersOf({ jobId, epoch, traceparent, stream }: ModelCall): Record<string, string> {
  return {
    "content-type": "application/json",
    accept: stream === undefined ? "application/json" : "text/event-stream, application/json",
    "user-agent": "sluice",
    "x-request-id": `${jobId}.${epoch}`,
    "x-sluice-job-id": jobId,
    "x-sluice-attempt": String(epoch),
    "idempotency-key": jobId,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}
