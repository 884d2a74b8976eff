import {
  builtInPolicies,
  defaultPolicy,
  type Policy,
  type RouteRequest,
  type RoutingConfig,
} from "@sluice/domain";

/** What `routing.sort` of a request puts in place of the alias's policy. */
const sorts: Readonly<Record<NonNullable<RouteRequest["wishes"]["sort"]>, Policy>> = {
  price: { name: "sort:price", scorers: { cost: 1 }, picker: "best" },
  latency: { name: "sort:latency", scorers: { latency: 1 }, picker: "best" },
  throughput: { name: "sort:throughput", scorers: { headroom: 1, backlog: 1 }, picker: "best" },
};

/** The policy that decides for a request: its own wish to sort, else that of its model. */
export function policyFor(request: RouteRequest, config: RoutingConfig): Policy {
  if (request.wishes.sort !== undefined) return sorts[request.wishes.sort];
  const name = config.models[request.model]?.policy ?? defaultPolicy;
  const policy = config.policies[name] ?? builtInPolicies[name] ?? builtInPolicies[defaultPolicy];
  if (policy === undefined) throw new Error("there is no default policy");
  return policy;
}
