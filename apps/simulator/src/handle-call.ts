import { hash } from "node:crypto";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { ActiveCall } from "./active-call.ts";
import { isAnthropicPath } from "./anthropic-error.ts";
import { type ApiError, apiError } from "./api-error.ts";
import { checkKey, readKey } from "./authorize.ts";
import { sendError, watchCaller } from "./end-call.ts";
import { isObject } from "./endpoints/check-fields.ts";
import type { Plan, PlanCall } from "./endpoints/plan.ts";
import type { ChosenFault } from "./fault-book.ts";
import { type Fault, findFaultMark, parseFault } from "./fault-spec.ts";
import { drawLatency, totalMs } from "./latency.ts";
import type { Admission } from "./limiter.ts";
import { createRandom, type Random } from "./random.ts";
import { anthropicRateLimitHeaders, rateLimitHeaders, retryHeaders } from "./rate-limit-headers.ts";
import { type Serving, serveAnswer } from "./serve-answer.ts";
import { makesNoOutput, serveFault } from "./serve-fault.ts";
import type { Simulator } from "./simulator.ts";

/** A request as it came off the wire. */
export interface Exchange {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly response: ServerResponse;
}

/** Takes one call from arrival to its answer: key, body, fault, limits, slot, latency, answer. */
export function handleCall(simulator: Simulator, planCall: PlanCall, exchange: Exchange): void {
  const call = openCall(simulator, exchange);
  const { record } = call;
  const digest = [
    Number.parseInt(record.sha256.slice(0, 8), 16),
    Number.parseInt(record.sha256.slice(8, 16), 16),
  ] as const;
  const random = createRandom(simulator.options.seed, ...digest);
  const plan = readPlan(simulator, planCall, { exchange, random });
  if (plan.kind === "error") {
    sendError(simulator, call, plan);
    return;
  }

  // 48 bits of the digest: a number is a far smaller key than 64 hex digits.
  const key = Number.parseInt(record.sha256.slice(0, 12), 16);
  const occurrence = simulator.occurrences.peek(key);
  const asked = readAskedFault(exchange, plan);
  if (asked?.kind === "error") {
    sendError(simulator, call, asked);
    return;
  }
  const chosen = simulator.faults.choose({ seed: simulator.options.seed, digest, occurrence }, asked?.fault);
  const outputTokens = chosen !== undefined && makesNoOutput(chosen.fault) ? 0 : plan.outputTokens;
  Object.assign(record, { model: plan.model, inputTokens: plan.inputTokens, outputTokens });

  const admission = admit(simulator, call, plan.inputTokens + outputTokens);
  if (admission.kind === "refused") {
    throttle(simulator, call, admission);
    return;
  }
  simulator.occurrences.count(key);
  const frame = {
    suffix: record.sha256.slice(0, 24) + occurrence.toString(36).padStart(4, "0"),
    createdAt: Math.floor(record.arrivedAt / 1000),
  };
  serve({ simulator, call, plan, frame, latency: drawLatency(random, simulator.options) }, chosen);
}

function openCall(simulator: Simulator, { path, headers, body, response }: Exchange): ActiveCall {
  const arrivedAt = simulator.now();
  const sha256 = hash("sha256", body);
  const sequence = simulator.log.nextSequence();
  const keyFingerprint = simulator.fingerprintKey(readKey(headers));
  simulator.statistics.arrived({ at: arrivedAt, path, key: keyFingerprint, headers });
  const record = {
    sequence,
    arrivedAt: Date.now(),
    path,
    keyFingerprint,
    sha256,
    model: "",
    inputTokens: 0,
    outputTokens: 0,
    requestId: headers["x-request-id"] as string | undefined,
    jobId: headers["x-sluice-job-id"] as string | undefined,
    idempotencyKey: headers["idempotency-key"] as string | undefined,
    status: undefined,
    fault: undefined,
    refusedBy: undefined,
    durationMs: undefined,
  };
  simulator.log.add(record);
  return {
    record,
    response,
    arrivedAt,
    id: `req_${sha256.slice(0, 16)}_${sequence}`,
    headers: [],
    release: [],
    expectedEndAt: Number.POSITIVE_INFINITY,
    timer: undefined,
    isWatched: false,
    hasEnded: false,
  };
}

function readPlan(
  simulator: Simulator,
  planCall: PlanCall,
  { exchange, random }: { exchange: Exchange; random: Random },
): Plan | ApiError {
  const { options, countTokens, tape } = simulator;
  const refused = checkKey(options.apiKeys, readKey(exchange.headers));
  if (refused !== undefined) return refused;
  const body = parseBody(exchange.body);
  if (!isObject(body))
    return apiError(400, "We could not parse the JSON body of your request. It must be a JSON object.");
  const model = body["model"];
  if (typeof model === "string" && options.models.length > 0 && !options.models.includes(model)) {
    const message = `The model '${model}' does not exist or you do not have access to it.`;
    return apiError(404, message, { param: "model", code: "model_not_found" });
  }
  return planCall(body, { options, countTokens, tape, random });
}

function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function readAskedFault(
  { headers, body }: Exchange,
  plan: Plan,
): { kind: "asked"; fault: Fault } | ApiError | undefined {
  const header = headers["x-sim-fault"];
  if (header !== undefined) {
    const fault = parseFault(String(header));
    return fault === undefined
      ? apiError(400, "x-sim-fault is not a known fault.", { param: "x-sim-fault" })
      : { kind: "asked", fault };
  }
  const marked = body.includes("[[sim:") ? findFaultMark(plan.lastUserText()) : undefined;
  return marked && { kind: "asked", fault: marked };
}

function admit(simulator: Simulator, call: ActiveCall, tokens: number): Admission {
  const { limiter, inFlight } = simulator;
  const placeFreeInMs = (): number => {
    let soonest = Number.POSITIVE_INFINITY;
    for (const { expectedEndAt } of inFlight) soonest = Math.min(soonest, expectedEndAt);
    return Number.isFinite(soonest) ? Math.max(1, soonest - call.arrivedAt) : 1000;
  };
  const admission = limiter.admit({ at: call.arrivedAt, tokens, placeFreeInMs });
  call.headers = isAnthropicPath(call.record.path)
    ? anthropicRateLimitHeaders(limiter.limits(), admission.usage, Date.now())
    : rateLimitHeaders(limiter.limits(), admission.usage);
  return admission;
}

function throttle(
  simulator: Simulator,
  call: ActiveCall,
  { by, retryAfterMs }: Admission & { kind: "refused" },
): void {
  const { model } = call.record;
  call.record.refusedBy = by;
  simulator.statistics.throttled(by);
  call.headers = [...call.headers, ...retryHeaders(retryAfterMs)];
  const unit = by === "concurrency" ? "concurrent requests" : `${by} per min`;
  const hint =
    retryAfterMs === undefined
      ? "The request alone is above it."
      : `Please try again in ${Math.ceil(retryAfterMs)}ms.`;
  const error = apiError(429, `Rate limit reached for ${model} on ${unit}. ${hint}`, {
    type: by === "tokens" ? "tokens" : "requests",
    code: "rate_limit_exceeded",
  });
  sendError(simulator, call, error);
}

function serve(serving: Serving, chosen: ChosenFault | undefined): void {
  const { simulator, call, plan, latency } = serving;
  const { record } = call;
  simulator.statistics.admitted(record.inputTokens, record.outputTokens);
  simulator.inFlight.add(call);
  call.release.push(() => {
    simulator.inFlight.delete(call);
    simulator.limiter.release();
  });
  if (chosen !== undefined) {
    chosen.commit();
    record.fault = chosen.fault.label;
    simulator.statistics.faulted(chosen.fault.label);
    if (makesNoOutput(chosen.fault)) {
      serveFault(serving, chosen.fault);
      return;
    }
  }
  takeSlot(serving, () => {
    if (chosen !== undefined) return serveFault(serving, chosen.fault);
    call.expectedEndAt = simulator.now() + totalMs(latency, plan.outputTokens);
    serveAnswer(serving);
  });
}

/** Runs `start` in a slot of the engine, with its metrics. */
function takeSlot({ simulator, call, plan, latency }: Serving, start: () => void): void {
  const { slots } = simulator;
  const metrics = simulator.metrics.forModel(plan.model);
  const tokens = plan.inputTokens + plan.outputTokens;
  let isRunning = false;
  const run = (): void => {
    isRunning = true;
    if (waits) metrics.unqueued();
    metrics.started(tokens);
    start();
  };
  call.release.push((status) => {
    if (!isRunning) {
      slots.leave(run);
      metrics.unqueued();
      return;
    }
    metrics.stopped(tokens);
    const latencySeconds = (simulator.now() - call.arrivedAt) / 1000;
    const finishReason = status === 200 ? plan.finishReason : "abort";
    const { inputTokens, outputTokens } = plan;
    metrics.ended({
      inputTokens,
      outputTokens,
      latencySeconds,
      firstTokenSeconds: latency.firstTokenMs / 1000,
      finishReason,
    });
    slots.free();
  });
  let waits = false;
  waits = !slots.take(run);
  if (!waits) return;
  metrics.queued();
  watchCaller(simulator, call);
}
