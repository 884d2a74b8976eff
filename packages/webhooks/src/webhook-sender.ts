import { Agent, type Dispatcher } from "undici";
import { createAddressRules } from "./address-rules.ts";
import { classifyFailure } from "./classify-failure.ts";
import { guardUrlByRules, type UrlVerdict } from "./guard-url.ts";
import { createGuardedConnector, type ResolveHost, resolveBySystem } from "./guarded-connector.ts";
import { readSnippet } from "./read-snippet.ts";
import { parseRetryAfter } from "./retry-after.ts";
import type { SendFailureReason, SendResult } from "./send-result.ts";

export interface WebhookSenderOptions {
  /** Private CIDRs that may be reached, also over plain http. */
  readonly allowNetworks: readonly string[];
  /** Budget of one whole attempt: resolve, connect, send, answer. */
  readonly timeoutMs: number;
  /** Where names are looked up; the operating system by default. */
  readonly resolve?: ResolveHost;
  /** How much of an answer's body is read before the connection is cut; 64 KiB by default. */
  readonly maxResponseBytes?: number;
  /** PEM certificates to trust instead of the system's. */
  readonly certificateAuthorities?: string;
  readonly userAgent?: string;
  /** Unix milliseconds, to read a `Retry-After` date. */
  readonly now?: () => number;
}

export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Cuts the attempt short; it then ends as `failed`, `aborted`. */
  readonly signal?: AbortSignal;
}

export interface WebhookSender {
  /** Sends once, without redirects or retries; throws only on a bug (such as an impossible header). */
  send(request: WebhookRequest): Promise<SendResult>;
  /** Closes idle connections after the attempts in flight. */
  close(): Promise<void>;
}

/** Makes a sender that reaches only allowed addresses. Throws when a network cannot be read. */
export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const rules = createAddressRules(options.allowNetworks);
  const connect = createGuardedConnector({
    rules,
    resolve: options.resolve ?? resolveBySystem,
    connectTimeoutMs: options.timeoutMs,
    certificateAuthorities: options.certificateAuthorities,
  });
  const agent = new Agent({
    connect,
    allowH2: false, // else undici waits for one connection's protocol before it opens a second
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
  });
  const attempt = createAttempt(agent, options);
  return {
    send(request) {
      const verdict = guardUrlByRules(request.url, rules, options.allowNetworks.length > 0);
      return verdict.ok ? attempt(verdict.url, request) : Promise.resolve(refusal(verdict));
    },
    close: () => agent.close(),
  };
}

function createAttempt(agent: Agent, options: WebhookSenderOptions) {
  return async (url: URL, request: WebhookRequest): Promise<SendResult> => {
    const startedAt = performance.now();
    const elapsed = () => Math.round(performance.now() - startedAt);
    const deadline = startDeadline(options.timeoutMs, request.signal);
    try {
      const response = await post(agent, url, request, options, deadline.signal);
      return await readAnswer(response, elapsed(), options);
    } catch (error) {
      const reason = deadline.reason() ?? classifyFailure(error);
      if (reason === undefined) throw error;
      return { kind: "failed", reason, latencyMs: elapsed() };
    } finally {
      deadline.clear();
    }
  };
}

function post(
  agent: Agent,
  url: URL,
  request: WebhookRequest,
  options: WebhookSenderOptions,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  return agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: "POST",
    headers: { ...request.headers, "user-agent": options.userAgent ?? "Sluice/1 (+webhooks)" },
    body: request.body,
    signal,
  });
}

async function readAnswer(
  response: Dispatcher.ResponseData,
  latencyMs: number,
  options: WebhookSenderOptions,
): Promise<SendResult> {
  const status = response.statusCode;
  const responseSnippet = await readSnippet(response.body, options.maxResponseBytes ?? 64 * 1024);
  if (status >= 200 && status < 300) return { kind: "delivered", status, latencyMs, responseSnippet };
  const retryAfterMs = retryAfter(response.headers["retry-after"], options.now ?? Date.now);
  return {
    kind: "rejected",
    status,
    latencyMs,
    responseSnippet,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function retryAfter(value: string | string[] | undefined, now: () => number): number | undefined {
  return parseRetryAfter(typeof value === "string" ? value : value?.[0], now());
}

function refusal(verdict: UrlVerdict & { ok: false }): SendResult {
  const reason: SendFailureReason =
    verdict.code === "private_address" ? "forbidden-address" : "forbidden-url";
  return { kind: "failed", reason, latencyMs: 0 };
}

/** One signal for "took too long" and "the caller gave up", and the knowledge of which it was. */
function startDeadline(timeoutMs: number, outer: AbortSignal | undefined) {
  const controller = new AbortController();
  let reason: SendFailureReason | undefined;
  const end = (why: SendFailureReason) => {
    reason ??= why;
    controller.abort();
  };
  const abort = () => end("aborted");
  const timer = setTimeout(() => end("timeout"), timeoutMs);
  outer?.addEventListener("abort", abort, { once: true });
  if (outer?.aborted) abort();
  return {
    signal: controller.signal,
    reason: () => reason,
    clear() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", abort);
    },
  };
}
