import type {
  ArrivalRate,
  BacklogFlow,
  DeadlineBand,
  ForecastSnapshot,
  SetBacklog,
  TargetPace,
  TenantId,
} from "@sluice/domain";
import { createSharing, type Sharing } from "./sharing.ts";

/** One tenant's backlog, as far as it waits for targets of the set. */
export interface ViewedFlow {
  readonly weight: number;
  readonly tokens: number;
  readonly bands: readonly DeadlineBand[];
  readonly arrivals: readonly ArrivalRate[];
}

/**
 * A candidate set as a single server: its targets' paces together, and what waits for it. Of the backlog of another
 * set that shares targets that part counts which goes to the shared ones, by their paces.
 */
export interface SetView {
  readonly takenAt: number;
  readonly tokensPerSecond: number;
  /** Of a usual call; absent while nothing is known. */
  readonly latencyMs: number | undefined;
  /** For so long it takes nothing, from `takenAt`; infinite when nobody knows. */
  readonly closedForMs: number;
  readonly flows: ReadonlyMap<TenantId, ViewedFlow>;
  readonly sharing: Sharing;
}

/** Looks at what waits from the side of these targets; `weightOf` is a tenant's share beside others. */
export function viewSet(
  snapshot: Pick<ForecastSnapshot, "takenAt" | "targets" | "sets">,
  targetIds: readonly string[],
  weightOf: (tenant: TenantId) => number,
): SetView {
  const paces = targetIds.flatMap((id) => snapshot.targets[id] ?? []);
  const open = paces.filter((pace) => pace.isClosed !== true);
  const working = open.length > 0 ? open : paces;
  const flows = new Map<TenantId, ViewedFlow>();
  for (const set of snapshot.sets) {
    const part = partShared(snapshot, set, targetIds);
    if (part > 0) for (const flow of set.flows) addFlow(flows, flow, part, weightOf);
  }
  return {
    takenAt: snapshot.takenAt,
    tokensPerSecond: speedOf(working),
    latencyMs: latencyOf(working),
    closedForMs: open.length > 0 || paces.length === 0 ? 0 : closedFor(paces, snapshot.takenAt),
    flows,
    sharing: createSharing(flows),
  };
}

function speedOf(paces: readonly TargetPace[]): number {
  return paces.reduce((sum, { tokensPerSecond }) => sum + tokensPerSecond, 0);
}

/** Mean over the targets of which it is known, by pace: most jobs go to the fast ones. */
function latencyOf(paces: readonly TargetPace[]): number | undefined {
  let [sum, weights] = [0, 0];
  for (const { latencyMs, tokensPerSecond } of paces) {
    if (latencyMs === undefined) continue;
    sum += latencyMs * (tokensPerSecond + 1);
    weights += tokensPerSecond + 1;
  }
  return weights === 0 ? undefined : sum / weights;
}

function closedFor(paces: readonly TargetPace[], takenAt: number): number {
  const opensAt = Math.min(...paces.map((pace) => pace.opensAt ?? Number.POSITIVE_INFINITY));
  return Math.max(0, opensAt - takenAt);
}

/** The part of a set's backlog that goes to these targets. */
function partShared(
  { targets }: Pick<ForecastSnapshot, "targets">,
  set: SetBacklog,
  targetIds: readonly string[],
): number {
  const shared = set.targets.filter((id) => targetIds.includes(id));
  if (shared.length === 0) return 0;
  const paceOf = (ids: readonly string[]) => speedOf(ids.flatMap((id) => openPace(targets[id])));
  const all = paceOf(set.targets);
  return all === 0 ? shared.length / set.targets.length : paceOf(shared) / all;
}

function openPace(pace: TargetPace | undefined): TargetPace[] {
  return pace === undefined || pace.isClosed === true ? [] : [pace];
}

function addFlow(
  flows: Map<TenantId, ViewedFlow>,
  { tenantId, bands, arrivals }: BacklogFlow,
  part: number,
  weightOf: (tenant: TenantId) => number,
): void {
  const known = flows.get(tenantId) ?? { weight: weightOf(tenantId), tokens: 0, bands: [], arrivals: [] };
  const added = bands.map((band) => ({ ...band, tokens: band.tokens * part }));
  flows.set(tenantId, {
    weight: known.weight,
    tokens: added.reduce((sum, { tokens }) => sum + tokens, known.tokens),
    bands: [...known.bands, ...added],
    arrivals: [
      ...known.arrivals,
      ...arrivals.map(({ leadMs, tokensPerSecond, usualTokensPerSecond }) => ({
        leadMs,
        tokensPerSecond: tokensPerSecond * part,
        usualTokensPerSecond: usualTokensPerSecond * part,
      })),
    ],
  });
}
