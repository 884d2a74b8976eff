import type { RouteRequest, RoutingConfig, Signals } from "@sluice/domain";
import { type Candidate, type DecisionContext, noSignals } from "./candidate.ts";
import { type Filter, hardFilters, softFilters } from "./filters/index.ts";

/** A candidate with the filter that drops it, if one does. */
export interface Judged {
  readonly candidate: Candidate;
  readonly hard: Dropped | undefined;
  readonly soft: Dropped | undefined;
}

export interface Dropped {
  readonly filter: string;
  readonly reason: string;
}

export interface Gathered {
  /** Everything that was looked at, in order of configuration. */
  readonly judged: readonly Judged[];
  readonly survivors: readonly Candidate[];
}

interface GatherInput {
  readonly request: RouteRequest;
  readonly config: RoutingConfig;
  readonly signals: Signals;
  readonly now: number;
}

/**
 * Looks at the pools of the model, then at one fallback after the other until something survives.
 * Only when nothing has survived anywhere are the soft filters lifted, again from the front.
 */
export function gatherCandidates(input: GatherInput): Gathered {
  const seen = new Set<string>();
  const groups: Judged[][] = [];
  for (const pools of poolGroups(input)) {
    const group = judgePools(pools, input, seen);
    groups.push(group);
    const survivors = group.filter(({ hard, soft }) => hard === undefined && soft === undefined);
    if (survivors.length > 0)
      return { judged: groups.flat(), survivors: survivors.map(({ candidate }) => candidate) };
  }
  for (const group of groups) {
    const survivors = group.filter(({ hard }) => hard === undefined);
    if (survivors.length > 0)
      return { judged: groups.flat(), survivors: survivors.map(({ candidate }) => candidate) };
  }
  return { judged: groups.flat(), survivors: [] };
}

function poolGroups({ request, config }: GatherInput): (readonly string[])[] {
  const alias = config.models[request.model];
  if (alias === undefined) return [];
  return [alias.pools, ...alias.fallback.map((pool) => [pool])];
}

function judgePools(pools: readonly string[], input: GatherInput, seen: Set<string>): Judged[] {
  const context: DecisionContext = { request: input.request, now: input.now };
  const group: Judged[] = [];
  for (const pool of pools) {
    for (const target of input.config.pools[pool]?.targets ?? []) {
      if (seen.has(target.id)) continue;
      seen.add(target.id);
      const candidate = { target, signals: input.signals[target.id] ?? noSignals };
      const hard = firstRejection(hardFilters, candidate, context);
      const soft = hard === undefined ? firstRejection(softFilters, candidate, context) : undefined;
      group.push({ candidate, hard, soft });
    }
  }
  return group;
}

function firstRejection(
  filters: readonly Filter[],
  candidate: Candidate,
  context: DecisionContext,
): Dropped | undefined {
  for (const filter of filters) {
    const reason = filter.reject(candidate, context);
    if (reason !== undefined) return { filter: filter.name, reason };
  }
  return undefined;
}
