import {
  dialectOf,
  type Fields,
  needsTranslation,
  planCall,
  translateAnswer,
  translateError,
  translateRequest,
} from "@sluice/dialects";
import type { EventSink, ModelCall, Outcome } from "@sluice/domain";
import type { Exchanged } from "./exchanged.ts";
import { parseObject } from "./parse-object.ts";
import { translateSink } from "./translate-sink.ts";

/** A call whose client speaks another dialect than its target. */
export interface TranslatedCall {
  /** Where the target is called. */
  readonly endpoint: string;
  readonly body: Buffer;
  /** Takes the target's events, if the client follows the call. */
  readonly stream: EventSink | undefined;
  /** The outcome with its answer, good or bad, in the client's dialect. */
  outcome(outcome: Outcome): Outcome;
}

/**
 * Translates a call for a target that serves another dialect; `undefined` where the client's bytes can go as they are,
 * `"refused"` when the request cannot be said there: routing checks that, so only a configuration that has changed since
 * brings it about. `now` is ms since 1970.
 */
export function translateCall(call: ModelCall, now: number): TranslatedCall | "refused" | undefined {
  const { target, endpoint } = call;
  if (!needsTranslation(target.endpoints, endpoint)) return undefined;
  const request = parseObject(call.body.toString());
  const from = dialectOf(endpoint);
  if (request === undefined || from === undefined) return "refused";
  const plan = planCall(target.endpoints, endpoint, request);
  const to = plan.kind === "translated" ? dialectOf(plan.endpoint) : undefined;
  if (plan.kind !== "translated" || to === undefined) return "refused";
  const { model, maxOutputTokens: maxTokens } = target;
  const written = translateRequest({ from, to, body: request, model, maxTokens });
  if (written.kind === "refused") return "refused";
  const createdAt = Math.floor(now / 1_000);
  const exchanged = { upstream: to, client: from, request, defaults: { id: call.jobId, createdAt, model } };
  const translating = call.stream === undefined ? undefined : translateSink(call.stream, exchanged);
  return {
    endpoint: plan.endpoint,
    body: Buffer.from(JSON.stringify(written.body)),
    stream: translating?.sink,
    // What a stream came to is the client's already; a target may have answered as a whole all the same.
    outcome: (outcome) =>
      translating?.isOver() === true ? withKnownUsage(outcome) : translateOutcome(outcome, exchanged),
  };
}

/** Of a stream the usage is read in the client's dialect: messages have zeros where the upstream told nothing. */
function withKnownUsage(outcome: Outcome): Outcome {
  if (outcome.kind !== "succeeded" || outcome.usage === undefined) return outcome;
  const { inputTokens, outputTokens } = outcome.usage;
  return inputTokens === 0 && outputTokens === 0 ? { ...outcome, usage: undefined } : outcome;
}

/** Usage stays what the upstream's own words say. */
function translateOutcome(outcome: Outcome, exchanged: Exchanged): Outcome {
  if (outcome.kind === "refused") return { ...outcome, answer: translatedError(outcome.answer, exchanged) };
  if (outcome.kind !== "succeeded") return outcome;
  const { upstream: from, client: to, request, defaults } = exchanged;
  const body = parseObject(outcome.answer.body.toString()) ?? {};
  const translated = translateAnswer({ from, to, body, request, defaults });
  if (translated.kind === "translated")
    return { ...outcome, answer: { ...outcome.answer, ...asJson(translated.body) } };
  const { latencyMs, sentAfterMs, rateLimits } = outcome;
  return {
    kind: "malformed",
    reason: `it cannot be translated: '${translated.field}' ${translated.reason}`,
    latencyMs,
    ...(sentAfterMs === undefined ? {} : { sentAfterMs }),
    ...(rateLimits === undefined ? {} : { rateLimits }),
  };
}

type Answer = Extract<Outcome, { kind: "refused" }>["answer"];

function translatedError(answer: Answer, { upstream: from, client: to }: Exchanged): Answer {
  const { statusCode, requestId } = answer;
  const error = translateError({
    from,
    to,
    statusCode,
    body: parseObject(answer.body.toString()),
    requestId,
  });
  return error === undefined ? answer : { ...answer, ...asJson(error) };
}

function asJson(body: Fields): { readonly contentType: string; readonly body: Buffer } {
  return { contentType: "application/json", body: Buffer.from(JSON.stringify(body)) };
}
