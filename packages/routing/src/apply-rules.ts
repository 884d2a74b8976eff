import type {
  ModelAlias,
  RouteRequest,
  RouteRule,
  RoutingConfig,
  RuleRequirement,
  Signals,
} from "@sluice/domain";
import {
  compileExpression,
  type Expression,
  prepareFacts,
  type RuleFacts,
  type Verdict,
} from "@sluice/rules";
import { noSignals } from "./candidate.ts";

/** What the rules of a model make of a job. */
export interface AppliedRules {
  /** Groups of pools in the order in which they are looked at: the model's or the rule's, then each fallback. */
  readonly poolGroups: readonly (readonly string[])[];
  readonly require: RuleRequirement | undefined;
  /** `undefined` when the model has no rules. */
  readonly trace: readonly RouteRule[] | undefined;
}

interface Asked {
  readonly alias: ModelAlias;
  readonly request: RouteRequest;
  readonly config: RoutingConfig;
  readonly signals: Signals;
  readonly now: number;
}

// A configuration never changes, a new one has new objects: so each rule is compiled once.
const compiled = new WeakMap<ModelAlias, readonly (Expression | undefined)[]>();

/** Asks the rules in order; the first that matches decides. One that cannot be evaluated does not match. */
export function applyRules(asked: Asked): AppliedRules {
  const { alias } = asked;
  const rules = alias.rules ?? [];
  const trace: RouteRule[] = [];
  const facts = rules.length === 0 ? {} : prepareFacts(factsOf(asked));
  for (const [index, expression] of expressionsOf(alias).entries()) {
    const verdict: Verdict = expression?.evaluate(facts) ?? { matched: false, error: "is not valid" };
    trace.push({ index, ...verdict });
    if (verdict.matched) break;
  }
  const last = trace.at(-1);
  const rule = last?.matched === true ? rules[last.index] : undefined;
  return {
    poolGroups: [rule?.pools ?? alias.pools, ...alias.fallback.map((pool) => [pool])],
    require: rule?.require,
    trace: rules.length === 0 ? undefined : trace,
  };
}

/** Whether a rule of the model reads the request's body: then a decision needs it. */
export function rulesReadRequest(alias: ModelAlias): boolean {
  return expressionsOf(alias).some((expression) => expression?.readsRequest === true);
}

/** Whether a rule of the model reads signals: then a decision has to keep those of all its targets. */
export function readsSignals(alias: ModelAlias): boolean {
  return expressionsOf(alias).some((expression) => expression?.readsSignals === true);
}

/** Every pool that a model may use, each once: its own, those of its rules, its fallbacks. */
export function reachablePools(alias: ModelAlias): string[] {
  const ofRules = (alias.rules ?? []).flatMap(({ pools }) => pools ?? []);
  return [...new Set([...alias.pools, ...ofRules, ...alias.fallback])];
}

function expressionsOf(alias: ModelAlias): readonly (Expression | undefined)[] {
  const known = compiled.get(alias);
  if (known !== undefined) return known;
  const expressions = (alias.rules ?? []).map(({ when }) => {
    const result = compileExpression(when);
    return result.ok ? result.expression : undefined;
  });
  compiled.set(alias, expressions);
  return expressions;
}

function factsOf({ alias, request, config, signals, now }: Asked): RuleFacts {
  const own = Object.hasOwn(config.tenants, request.tenant) ? config.tenants[request.tenant] : undefined;
  const tenant = own ?? config.tenants["default"];
  const { endpoint, model, sla, priority, attempt, metadata, deadlineAt, inputTokens } = request;
  const { maxOutputTokens, capabilities } = request;
  const slackMs = deadlineAt - now;
  return {
    request: request.body ?? {},
    tenant: { id: request.tenant, tags: tenant?.tags ?? [], weight: tenant?.weight ?? 1 },
    job: {
      ...{ endpoint, model, sla, priority, attempt, metadata, deadlineAt, slackMs },
      ...{ inputTokens, maxOutputTokens, capabilities },
    },
    signals: readsSignals(alias) ? signalFacts(alias, config, signals, now) : {},
  };
}

function signalFacts(alias: ModelAlias, config: RoutingConfig, signals: Signals, now: number) {
  const found: Record<string, RuleFacts["signals"][string]> = {};
  for (const pool of reachablePools(alias)) {
    for (const { id } of config.pools[pool]?.targets ?? []) {
      const { inFlight, requestsUsed, tokensUsed, concurrencyUsed, latencyMs, errorRate, pausedUntil } =
        signals[id] ?? noSignals;
      const used = { requestsUsed, tokensUsed, concurrencyUsed };
      found[id] = { inFlight, ...used, latencyMs: latencyMs ?? 0, errorRate, isPaused: pausedUntil > now };
    }
  }
  return found;
}
