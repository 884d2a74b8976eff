import {
  type AnswerDefaults,
  type Dialect,
  dialectOf,
  type Fields,
  needsTranslation,
  planCall,
  translateAnswer,
  translateError,
  translateRequest,
} from "@sluice/dialects";
import type { ModelCall, Outcome } from "@sluice/domain";

/** A call whose client speaks another dialect than its target. */
export interface TranslatedCall {
  /** Where the target is called. */
  readonly endpoint: string;
  readonly body: Buffer;
  /** The outcome with its answer, good or bad, in the client's dialect. */
  outcome(outcome: Outcome, createdAt: number): Outcome;
}

/**
 * Translates a call for a target that serves another dialect; `undefined` where the client's bytes can go as they are,
 * `"refused"` when the request cannot be said there: routing checks that, so only a configuration that has changed since
 * brings it about.
 */
export function translateCall(call: ModelCall): TranslatedCall | "refused" | undefined {
  const { target, endpoint } = call;
  if (!needsTranslation(target.endpoints, endpoint)) return undefined;
  const request = parseObject(call.body);
  const from = dialectOf(endpoint);
  if (request === undefined || from === undefined) return "refused";
  const plan = planCall(target.endpoints, endpoint, request);
  const to = plan.kind === "translated" ? dialectOf(plan.endpoint) : undefined;
  if (plan.kind !== "translated" || to === undefined) return "refused";
  const { model, maxOutputTokens: maxTokens } = target;
  const written = translateRequest({ from, to, body: request, model, maxTokens });
  if (written.kind === "refused") return "refused";
  return {
    endpoint: plan.endpoint,
    body: Buffer.from(JSON.stringify(written.body)),
    outcome: (outcome, createdAt) =>
      translateOutcome(outcome, {
        upstream: to,
        client: from,
        request,
        defaults: { id: call.jobId, createdAt, model },
      }),
  };
}

interface Exchanged {
  readonly upstream: Dialect;
  readonly client: Dialect;
  readonly request: Fields;
  readonly defaults: AnswerDefaults;
}

/** Usage stays what the upstream's own words say. */
function translateOutcome(outcome: Outcome, exchanged: Exchanged): Outcome {
  if (outcome.kind === "refused") return { ...outcome, answer: translatedError(outcome.answer, exchanged) };
  if (outcome.kind !== "succeeded") return outcome;
  const { upstream: from, client: to, request, defaults } = exchanged;
  const body = parseObject(outcome.answer.body) ?? {};
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
  const error = translateError({ from, to, statusCode, body: parseObject(answer.body), requestId });
  return error === undefined ? answer : { ...answer, ...asJson(error) };
}

function asJson(body: Fields): { readonly contentType: string; readonly body: Buffer } {
  return { contentType: "application/json", body: Buffer.from(JSON.stringify(body)) };
}

function parseObject(bytes: Buffer): Fields | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Fields)
      : undefined;
  } catch {
    return undefined;
  }
}
