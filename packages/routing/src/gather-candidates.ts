import type { RouteRequest, RoutingConfig, Signals } from "@sluice/domain";
import type { AppliedRules } from "./apply-rules.ts";
import { type Candidate, type DecisionContext, noSignals } from "./candidate.ts";
import { type Filter, hardFilters, softFilters } from "./filters/index.ts";
import { isSaturated } from "./scorers/engine-load.ts";

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
  readonly applied: AppliedRules;
  readonly request: RouteRequest;
  readonly config: RoutingConfig;
  readonly signals: Signals;
  readonly now: number;
}

/**
 * Looks at the pools of the model or its rule, then at one fallback after the other until something survives.
 * Only when nothing has survived anywhere are the soft filters lifted, again from the front. Of what has survived,
 * saturated engines are dropped while others have room; no fallback is looked at for that.
 */
export function gatherCandidates(input: GatherInput): Gathered {
  const seen = new Set<string>();
  const groups: Judged[][] = [];
  for (const pools of input.applied.poolGroups) {
    const group = judgePools(pools, input, seen);
    groups.push(group);
    const survivors = group.filter(({ hard, soft }) => hard === undefined && soft === undefined);
    if (survivors.length > 0) return withRoom(groups.flat(), survivors, input.now);
  }
  for (const group of groups) {
    const survivors = group.filter(({ hard }) => hard === undefined);
    if (survivors.length > 0) return withRoom(groups.flat(), survivors, input.now);
  }
  return { judged: groups.flat(), survivors: [] };
}

const saturated: Dropped = {
  filter: "engine-has-room",
  reason: "its engine is saturated or was not read for long, and another target has room",
};

/** A job that finds no place where there is room waits for one: in the queue of a saturated engine it would be bound. */
function withRoom(judged: readonly Judged[], survivors: readonly Judged[], now: number): Gathered {
  const full = new Set(survivors.filter(({ candidate }) => isSaturated(candidate.signals.engine, now)));
  const left = full.size === survivors.length ? survivors : survivors.filter((each) => !full.has(each));
  return {
    judged:
      left === survivors
        ? judged
        : judged.map((each) => (full.has(each) ? { ...each, soft: saturated } : each)),
    survivors: left.map(({ candidate }) => candidate),
  };
}

function judgePools(pools: readonly string[], input: GatherInput, seen: Set<string>): Judged[] {
  const { request, now, applied } = input;
  const context: DecisionContext = { request, now, require: applied.require };
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
