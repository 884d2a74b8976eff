import { isId, type ParkAnswer, type ParkedJob, type Refusal, type Turn } from "@sluice/domain";
import { sharedLimit, stated, whole } from "./amounts.ts";
import { targetLog, targetUse, tenantLog, tenantUse } from "./capacity-keys.ts";

/** Refusals that end when calls end or windows slide, so that a place among the waiters makes sense. */
const waitable =
  /^(?:target|tenant)\.(?:requests_per_minute|(?:input_|output_)?tokens_per_minute|concurrency|slow_start|breaker|paused|turn)$/;

/** A scope in which a job waits: the arguments that `park.lua` takes of it, and the refusal it comes from. */
export interface WaitingPlace {
  readonly refusal: Refusal;
  readonly values: readonly (string | number)[];
}

/** Where refused requests wait: once at the tenant, however many targets would have room, else at each target. */
export function waitingPlaces(refusals: readonly Refusal[]): WaitingPlace[] {
  const waiting = refusals.filter(({ limit }) => waitable.test(limit));
  const ofTenant = waiting.find(({ limit }) => limit.startsWith("tenant."));
  const ofTargets = waiting.filter(({ limit }) => limit.startsWith("target."));
  const places = ofTargets.map((refusal) => ({ refusal, values: valuesOfTarget(refusal) }));
  return ofTenant === undefined
    ? places
    : [...places, { refusal: ofTenant, values: valuesOfTenant(ofTenant) }];
}

function valuesOfTarget({ request }: Refusal): (string | number)[] {
  const { id, limits } = request.target;
  return [
    targetUse(id),
    targetLog(id),
    whole(request.inputTokens),
    whole(request.outputTokens),
    Math.ceil(stated(limits.requestsPerMinute)),
    sharedLimit(limits.tokensPerMinute),
    sharedLimit(limits.inputTokensPerMinute),
    sharedLimit(limits.outputTokensPerMinute),
    Math.ceil(stated(limits.concurrency)),
  ];
}

function valuesOfTenant({ request }: Refusal): (string | number)[] {
  const { id, limits } = request.tenant;
  return [
    tenantUse(id),
    tenantLog(id),
    whole(request.inputTokens),
    whole(request.outputTokens),
    Math.ceil(stated(limits.requestsPerMinute)),
    Math.ceil(stated(limits.tokensPerMinute)),
    -1,
    -1,
    Math.ceil(stated(limits.concurrency)),
  ];
}

/** Reads what `park.lua` answers. What a window does not lift, such as a day's budget, is looked at again when it says. */
export function readPark(
  reply: unknown,
  refusals: readonly Refusal[],
  places: readonly WaitingPlace[],
): ParkAnswer {
  if (!Array.isArray(reply)) throw new TypeError("the park script answered no list");
  const [hasRoom, value] = [reply[0] === 1, Number(reply[1])];
  const place = places[value - 1];
  if (hasRoom && place !== undefined) return { kind: "room", request: place.refusal.request };
  const others = refusals.filter(({ limit }) => !waitable.test(limit));
  return { kind: "parked", waitMs: Math.min(value, ...others.map(({ waitMs }) => waitMs)) };
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
