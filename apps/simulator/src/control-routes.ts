import type { FastifyInstance, FastifyRequest } from "fastify";
import { showCall } from "./call-log.ts";
import { type FaultRule, type Faults, parseFaultRule } from "./fault-book.ts";
import type { Limits } from "./limiter.ts";
import type { Simulator } from "./simulator.ts";

/** Calls that one answer of `/_sim/calls` holds, unless told. */
const defaultPage = 10_000;

/** What a control route answers a request it cannot read. */
type Wrong = { readonly error: string };

/** The routes under `/_sim` that tests and demos steer the simulator by. */
export function addControlRoutes(app: FastifyInstance, simulator: Simulator, reset: () => void): void {
  const { statistics, limiter, log, faults } = simulator;
  app.get("/_sim/stats", () => statistics.show(limiter));
  app.get("/_sim/calls", (request, reply) => {
    const query = request.query as Record<string, string | undefined>;
    const [since, limit] = [Number(query["since"] ?? 0), Number(query["limit"] ?? defaultPage)];
    if (!(since >= 0 && limit >= 1))
      return reply.code(400).send({ error: "since and limit must be numbers" });
    const calls = log.since(since, limit);
    return {
      calls: calls.map(showCall),
      next_since: calls.at(-1)?.sequence ?? since,
      dropped: log.dropped(),
    };
  });
  app.get("/_sim/limits", () => showLimits(limiter.limits()));
  app.post("/_sim/limits", (request, reply) => {
    const limits = readLimits(readJson(request), limiter.limits());
    if ("error" in limits) return reply.code(400).send(limits);
    limiter.setLimits(limits);
    return showLimits(limits);
  });
  app.get("/_sim/faults", () => showFaults(faults.current()));
  app.post("/_sim/faults", (request, reply) => {
    const change = readFaults(readJson(request));
    if ("error" in change) return reply.code(400).send(change);
    changeFaults(simulator, change);
    return showFaults(faults.current());
  });
  app.post("/_sim/reset", () => {
    reset();
    return { ok: true };
  });
}

/** New faults; what is left out stays as it is. */
export interface FaultChange {
  readonly errorRate?: number;
  /** In the words of the README, such as `hang:0.01` or `429*3;retry-after=2`. */
  readonly rules?: readonly string[];
  readonly unhealthy?: boolean;
  /** Close the listener for so long. */
  readonly refuseMs?: number;
}

/**
 * Sets faults while running.
 * @throws RangeError naming a rule that cannot be read.
 */
export function changeFaults({ faults, listener }: Simulator, change: FaultChange): void {
  const current = faults.current();
  const rules = change.rules?.map(readRule) ?? current.rules;
  const unhealthy = change.unhealthy ?? current.unhealthy ?? false;
  faults.set({ rules, errorRate: change.errorRate ?? current.errorRate, unhealthy });
  if (change.refuseMs !== undefined) listener.refuse(change.refuseMs);
}

/**
 * Reads one fault rule.
 * @throws RangeError if it is none.
 */
export function readRule(text: string): FaultRule {
  const rule = parseFaultRule(text);
  if (rule === undefined) throw new RangeError(`"${text}" is not a fault rule`);
  return rule;
}

type Json = Record<string, unknown> | undefined;

function readJson({ body }: FastifyRequest): Json {
  try {
    const value: unknown = JSON.parse(String(body ?? ""));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function readLimits(json: Json, current: Limits): Limits | Wrong {
  if (json === undefined) return { error: "the body must be a JSON object" };
  const limits = { ...showLimits(current) };
  for (const [name, value] of Object.entries(json)) {
    if (!(name in limits)) return { error: `unknown limit ${name}` };
    if (value !== null && !(Number.isInteger(value) && Number(value) > 0)) {
      return { error: `${name} must be a positive integer, or null for unlimited` };
    }
    limits[name as keyof typeof limits] = value as number | null;
  }
  return {
    requestsPerMinute: limits.requests_per_minute ?? 0,
    tokensPerMinute: limits.tokens_per_minute ?? 0,
    concurrency: limits.concurrency ?? 0,
  };
}

function readFaults(json: Json): FaultChange | Wrong {
  if (json === undefined) return { error: "the body must be a JSON object" };
  const { error_rate: errorRate, rules, refuse_ms: refuseMs, unhealthy, ...unknown } = json;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) return { error: `unknown field ${stranger}` };
  if (errorRate !== undefined && !isWithin(errorRate, 1))
    return { error: "error_rate must be between 0 and 1" };
  if (refuseMs !== undefined && !isWithin(refuseMs, 3_600_000))
    return { error: "refuse_ms must be at most an hour" };
  if (unhealthy !== undefined && typeof unhealthy !== "boolean")
    return { error: "unhealthy must be true or false" };
  if (
    rules !== undefined &&
    !(Array.isArray(rules) && rules.every((rule) => parseFaultRule(String(rule)) !== undefined))
  ) {
    return { error: 'rules must be an array of fault rules such as "hang:0.01"' };
  }
  return {
    ...(errorRate !== undefined && { errorRate: Number(errorRate) }),
    ...(unhealthy !== undefined && { unhealthy }),
    ...(refuseMs !== undefined && { refuseMs: Number(refuseMs) }),
    ...(rules !== undefined && { rules: (rules as unknown[]).map(String) }),
  };
}

function isWithin(value: unknown, max: number): boolean {
  return typeof value === "number" && value >= 0 && value <= max;
}

function showLimits({ requestsPerMinute, tokensPerMinute, concurrency }: Limits): {
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
  concurrency: number | null;
} {
  return {
    requests_per_minute: requestsPerMinute || null,
    tokens_per_minute: tokensPerMinute || null,
    concurrency: concurrency || null,
  };
}

function showFaults({ rules, errorRate, unhealthy = false }: Faults): Record<string, unknown> {
  const shown = rules.map(({ fault, rate }) => ({
    fault: fault.label,
    rate,
    times: fault.times ?? null,
    retry_after: fault.retryAfter ?? null,
    ms: fault.durationMs ?? null,
  }));
  return { error_rate: errorRate, rules: shown, unhealthy };
}
