import { isId, type ParkAnswer, type ParkedJob, type Refusal, type Turn } from "@sluice/domain";
import { stated, whole } from "./amounts.ts";

/** Refusals that end when calls end or windows slide, so that a place among the waiters makes sense. */
const waitable =
  /^(?:target|tenant)\.(?:requests_per_minute|(?:input_|output_)?tokens_per_minute|pace|cold|(?:learned_)?concurrency|slow_start|breaker|paused|turn)$/;

/** What the waiters of one target or tenant wait for, in whole numbers; -1 where no limit is stated. */
export interface WaitedLimits {
  readonly requests: number;
  readonly tokens: number;
  readonly input: number;
  readonly output: number;
  readonly concurrency: number;
  /** Whether some of the tokens is kept free for what calls under way may take beyond what is expected of them. */
  readonly hasMargin: boolean;
}

/** A scope in which a job waits, with what it needs there, and the refusal it comes from. */
export interface WaitingPlace {
  readonly refusal: Refusal;
  readonly scope: "target" | "tenant";
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly limits: WaitedLimits;
}

/** Where refused requests wait: once at the tenant, however many targets would have room, else at each target. */
export function waitingPlaces(refusals: readonly Refusal[]): WaitingPlace[] {
  const waiting = refusals.filter(({ limit }) => waitable.test(limit));
  const ofTenant = waiting.find(({ limit }) => limit.startsWith("tenant."));
  const ofTargets = waiting.filter(({ limit }) => limit.startsWith("target."));
  const places = ofTargets.map((refusal) => placeAt("target", refusal, limitsOfTarget(refusal)));
  return ofTenant === undefined ? places : [...places, placeAt("tenant", ofTenant, limitsOfTenant(ofTenant))];
}

function placeAt(scope: "target" | "tenant", refusal: Refusal, limits: WaitedLimits): WaitingPlace {
  const { inputTokens, outputTokens } = refusal.request;
  return {
    refusal,
    scope,
    inputTokens: whole(inputTokens),
    outputTokens: whole(outputTokens),
    limits,
  };
}

function limitsOfTarget({ request }: Refusal): WaitedLimits {
  const { limits } = request.target;
  return {
    requests: Math.ceil(stated(limits.requestsPerMinute)),
    tokens: Math.ceil(stated(limits.tokensPerMinute)),
    input: Math.ceil(stated(limits.inputTokensPerMinute)),
    output: Math.ceil(stated(limits.outputTokensPerMinute)),
    concurrency: Math.ceil(stated(limits.concurrency)),
    hasMargin: true,
  };
}

function limitsOfTenant({ request }: Refusal): WaitedLimits {
  const { limits } = request.tenant;
  return {
    requests: Math.ceil(stated(limits.requestsPerMinute)),
    tokens: Math.ceil(stated(limits.tokensPerMinute)),
    input: -1,
    output: -1,
    concurrency: Math.ceil(stated(limits.concurrency)),
    hasMargin: false,
  };
}

/** What `park.lua` answers: the place that has room by now, or how long the job waits. */
export type PlaceAnswer =
  | { readonly kind: "room"; readonly place: WaitingPlace }
  | { readonly kind: "parked"; readonly waitMs: number };

/** The answer to the refusals. What a window does not lift, such as a day's budget, is looked at again when it says. */
export function parkAnswer(answer: PlaceAnswer, refusals: readonly Refusal[]): ParkAnswer {
  if (answer.kind === "room") return { kind: "room", request: answer.place.refusal.request };
  const others = refusals.filter(({ limit }) => !waitable.test(limit));
  return { kind: "parked", waitMs: Math.min(answer.waitMs, ...others.map(({ waitMs }) => waitMs)) };
}

/** How a job stands among the waiters: older jobs of one deadline come first, their ids being in order of time. */
export function memberOf({ jobId, model }: ParkedJob | Turn): string {
  return `${jobId}|${model}`;
}

export function parkedJobOf(member: unknown): ParkedJob {
  const text = String(member);
  const at = text.indexOf("|");
  const jobId = text.slice(0, at);
  if (!isId("job", jobId)) throw new TypeError("a waiter carries no job id");
  return { jobId, model: text.slice(at + 1) };
}
