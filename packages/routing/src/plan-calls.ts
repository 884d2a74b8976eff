import { type CallPlan, dialectOf, mayServe, needsTranslation, planCall } from "@sluice/dialects";
import type { ModelAlias, RouteRequest, RoutingConfig, Target } from "@sluice/domain";
import { reachablePools, rulesReadRequest } from "./apply-rules.ts";

type Asked = Pick<RouteRequest, "endpoint" | "body">;

// A parsed body never changes: what it can be translated into is found once for all targets, decisions and candidates.
const known = new WeakMap<object, Map<string, CallPlan>>();

/**
 * How a target would be called for a request. Without the body, a target that serves another dialect is taken to be
 * called there: whether it can be, the decision that has the body says.
 */
export function callPlanOf({ endpoint, body }: Asked, target: Pick<Target, "endpoints">): CallPlan {
  if (target.endpoints.includes(endpoint)) return { kind: "native" };
  const other = mayServe(target.endpoints, endpoint) ? target.endpoints.find(dialectOf) : undefined;
  if (other === undefined) return { kind: "unserved" };
  if (body === undefined) return { kind: "translated", endpoint: other };
  const plans = known.get(body) ?? new Map<string, CallPlan>();
  known.set(body, plans);
  const key = [endpoint, ...target.endpoints].join(" ");
  const plan = plans.get(key) ?? planCall(target.endpoints, endpoint, body);
  plans.set(key, plan);
  return plan;
}

/**
 * Whether a decision needs the body of a model's request: a rule reads it, or a target of the model speaks another
 * dialect than the request.
 */
export function readsRequest(config: RoutingConfig, alias: ModelAlias, endpoint: string): boolean {
  if (rulesReadRequest(alias)) return true;
  return reachablePools(alias).some((pool) =>
    config.pools[pool]?.targets.some(({ endpoints }) => needsTranslation(endpoints, endpoint)),
  );
}
