import type {
  Policy,
  Route,
  RouteCandidate,
  RouteRequest,
  RoutingConfig,
  Signals,
  TargetSignals,
} from "@sluice/domain";
import { type AppliedRules, applyRules, reachablePools, readsSignals } from "./apply-rules.ts";
import { type Candidate, type DecisionContext, noSignals } from "./candidate.ts";
import { breakerClosed, healthy, inService, notPaused } from "./filters/index.ts";
import { gatherCandidates, type Judged } from "./gather-candidates.ts";
import { type Pick, type PickInput, pickers } from "./pickers/index.ts";
import { callPlanOf } from "./plan-calls.ts";
import { policyFor } from "./policy.ts";
import { scorers, sessionOf, stickiness } from "./scorers/index.ts";
import { type SharedOrder, shareByWeight } from "./share-by-weight.ts";

export interface RouteInput {
  readonly request: RouteRequest;
  readonly config: RoutingConfig;
  /** A target without signals counts as idle and unknown. */
  readonly signals: Signals;
  /** ms since 1970. */
  readonly now: number;
  /** A draw in [0, 1), for pickers that use chance. */
  readonly random: number;
  /** Counts the decisions of the caller, for pickers that go round; 0 when it does not count. */
  readonly turn?: number;
}

/**
 * Chooses the target of a job: filter, score, pick. Pure: the same input gives the same decision, and the decision
 * carries all of it but the configuration (named by its hash), so that it can be run again.
 * `chosen` is undefined when nothing can serve the request now; {@link reopensAt} says whether waiting helps.
 * Throws when the policy names a scorer or picker that does not exist: the configuration is checked for that.
 */
export function decideRoute(input: RouteInput): Route {
  const { request, config, now, random, turn = 0 } = input;
  const policy = policyFor(request, config);
  const applied = rulesFor(input);
  const { judged, survivors } = gatherCandidates({ ...input, applied });
  const scored = scoreAll(policy, survivors, { request, now });
  const picked = pick(policy, {
    candidates: survivors,
    totals: scored.totals,
    jobId: request.jobId,
    random,
    turn,
  });
  const shared = shareByWeight(picked, {
    candidates: survivors,
    pools: operatedPools(judged),
    key: drawingKey(policy, request),
  });
  const order = shared.order.map((i) => survivors[i]?.target.id ?? "");
  return {
    chosen: order[0],
    order,
    candidates: explain(judged, survivors, scored, shared).map((each, i) =>
      each.dropped === undefined ? withTranslation(each, request, judged[i]) : each,
    ),
    picker: policy.picker,
    propensity: shared.propensity,
    policy: policy.name,
    configHash: config.hash,
    decidedAt: now,
    random,
    turn,
    attempt: request.attempt,
    failedTargets: request.failedTargets,
    ...(applied.trace === undefined ? {} : { rules: applied.trace }),
    signals: signalsOf(judged, input),
  };
}

/** An alias that is not configured reaches no pools. */
function rulesFor({ request, config, signals, now }: RouteInput): AppliedRules {
  const alias = config.models[request.model];
  if (alias === undefined) return { poolGroups: [], require: undefined, trace: undefined };
  return applyRules({ alias, request, config, signals, now });
}

/**
 * When a decision without a choice could turn out otherwise: the earliest end (ms since 1970) of a pause or opening of
 * a breaker that alone keeps a target out; `undefined` when no waiting helps.
 */
export function reopensAt(route: Route): number | undefined {
  let earliest: number | undefined;
  for (const { target, dropped } of route.candidates) {
    const until =
      comesBackAt(dropped?.filter, route.signals[target], route.decidedAt) ?? Number.POSITIVE_INFINITY;
    if (until === Number.POSITIVE_INFINITY) continue;
    if (earliest === undefined || until < earliest) earliest = until;
  }
  return earliest;
}

/** Nobody knows when an operator puts a target back, or it passes its checks: then it is time to look again. */
const lookAgainMs = 5_000;
/** The first check of a provider is under way when a process starts. */
const firstCheckMs = 1_000;

function comesBackAt(
  filter: string | undefined,
  signals: TargetSignals | undefined,
  now: number,
): number | undefined {
  if (filter === inService.name) return now + lookAgainMs;
  if (filter === healthy.name) return now + (signals?.health?.checkedAt === 0 ? firstCheckMs : lookAgainMs);
  if (filter === notPaused.name) return signals?.pausedUntil;
  return filter === breakerClosed.name ? signals?.reopensAt : undefined;
}

interface Scored {
  readonly names: readonly string[];
  /** One array per scorer, in the order of `names`. */
  readonly scores: readonly Float64Array[];
  readonly totals: Float64Array;
}

function scoreAll(policy: Policy, candidates: readonly Candidate[], context: DecisionContext): Scored {
  const totals = new Float64Array(candidates.length);
  const names = Object.keys(policy.scorers);
  const scores = names.map((name) => {
    const scorer = scorers.get(name);
    if (scorer === undefined) throw new Error(`there is no scorer ${name}`);
    const values = new Float64Array(candidates.length);
    scorer.score(candidates, values, context);
    const weight = policy.scorers[name] ?? 0;
    for (let i = 0; i < values.length; i += 1) totals[i] = (totals[i] ?? 0) + weight * (values[i] ?? 0);
    return values;
  });
  return { names, scores, totals };
}

function pick(policy: Policy, input: PickInput): Pick {
  const picker = pickers.get(policy.picker);
  if (picker === undefined) throw new Error(`there is no picker ${policy.picker}`);
  return input.candidates.length === 0 ? { order: [], shares: [] } : picker.pick(input);
}

/** Those in which an operator has given any target a weight. */
function operatedPools(judged: readonly Judged[]): ReadonlySet<string> {
  return new Set(
    judged.flatMap(({ candidate: { target, signals } }) =>
      signals.weight === undefined ? [] : [target.pool],
    ),
  );
}

/** What the targets of an operated pool are drawn for: the job, or its session under a policy that keeps sessions. */
function drawingKey(policy: Policy, request: RouteRequest): string {
  const session = stickiness.name in policy.scorers ? sessionOf(request) : undefined;
  // A word of its own keeps the draw independent of how pickers order equal totals.
  return session ?? `share\n${request.jobId}`;
}

function explain(
  judged: readonly Judged[],
  survivors: readonly Candidate[],
  scored: Scored,
  { shares }: SharedOrder,
): RouteCandidate[] {
  const places = new Map(survivors.map((candidate, i) => [candidate, i]));
  return judged.map(({ candidate, hard, soft }) => {
    const { id, pool, version } = candidate.target;
    const about = { target: id, pool, ...(version === undefined ? {} : { version }) };
    const place = places.get(candidate);
    if (place !== undefined) {
      const share = shares.get(place);
      const scores = { scores: scoresAt(scored, place), total: scored.totals[place] ?? 0 };
      return { ...about, ...scores, ...(share === undefined ? {} : { share }) };
    }
    const dropped = hard ?? soft;
    return dropped === undefined ? about : { ...about, dropped };
  });
}

/** Native and translated targets are equal to a decision; it shows which is which. */
function withTranslation(
  explained: RouteCandidate,
  request: RouteRequest,
  judged: Judged | undefined,
): RouteCandidate {
  const plan = judged === undefined ? undefined : callPlanOf(request, judged.candidate.target);
  return plan?.kind === "translated" ? { ...explained, translated: plan.endpoint } : explained;
}

function scoresAt({ names, scores }: Scored, place: number): Record<string, number> {
  const found: Record<string, number> = {};
  for (let i = 0; i < names.length; i += 1) found[names[i] ?? ""] = scores[i]?.[place] ?? 0;
  return found;
}

/** What the decision was made from: the signals of its candidates, and those that rules may have read. */
function signalsOf(judged: readonly Judged[], { request, config, signals }: RouteInput): Signals {
  const found: Record<string, TargetSignals> = {};
  for (const { candidate } of judged) found[candidate.target.id] = candidate.signals;
  const alias = config.models[request.model];
  if (alias === undefined || !readsSignals(alias)) return found;
  const targets = reachablePools(alias).flatMap((pool) => config.pools[pool]?.targets ?? []);
  for (const { id } of targets) found[id] ??= signals[id] ?? noSignals;
  return found;
}
