import type {
  Clock,
  EngineConfig,
  FeedLedger,
  FeedWish,
  LanePointer,
  Lanes,
  Metrics,
  TenantId,
  UnfedHead,
  UnfedHeads,
  WindowUse,
} from "@sluice/domain";
import { type Deficits, fillWindow, type WindowSize } from "@sluice/scheduling";
import { tenantConfig } from "./tenant-config.ts";
import { createWindowGauges } from "./window-gauges.ts";
import type { WindowSizes } from "./window-sizes.ts";

export interface FeedLanesPorts {
  readonly ledger: FeedLedger;
  readonly lanes: Pick<Lanes, "add">;
  readonly sizes: WindowSizes;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly config: () => EngineConfig;
}

/** A retry that is due later takes no place of its window: it could be started by nobody before. */
export const retryHorizonMs = 3_000;

/** Reading the heads of a backlog costs by its tenants, so it waits until this share of their number is free. */
const roomPerFlow = 1 / 50;
/** But never for more than this share of the window. */
const mostRoomWaited = 1 / 4;

/** What a leader keeps of a candidate set from turn to turn. */
interface SetMemory {
  deficits: Deficits;
  flows: number;
}

interface Window extends WindowUse {
  readonly size: WindowSize;
  readonly jobs: number;
  /** Places that tenants lack of their share of a window that is too full by express jobs of others. */
  readonly owed: ReadonlyMap<TenantId, number>;
}

/** Feeds, and answers how many pointers went out. */
export type FeedLanes = (leaderEpoch: number) => Promise<number>;

/**
 * Makes the function that fills the windows of all candidate sets from the ledger: between tenants by weight and
 * tokens, within a tenant by effective deadline; what is more urgent than the window goes express. A turn takes three
 * statements at most, whatever the number of sets and tenants, and one when nothing is unfed; one more where a set is
 * new to it, and one where the most urgent job is late.
 *
 * The deficits live in the memory of the leader: with a new one the sharing begins anew, which gives no tenant more
 * than one job too many. The ledger marks jobs as laned before their pointers go out; pointers that the lanes did not
 * take are added again before anything else, and after a crash {@link reconcileLanes} finds them.
 */
export function createFeeder(ports: FeedLanesPorts): FeedLanes {
  const showWindows = createWindowGauges(ports.metrics);
  let epoch: number | undefined;
  let memory = new Map<string, SetMemory>();
  let unadded: readonly LanePointer[] = [];

  async function addToLanes(pointers: readonly LanePointer[]): Promise<void> {
    unadded = pointers;
    if (pointers.length > 0) await ports.lanes.add(pointers);
    unadded = [];
  }

  async function feed(leaderEpoch: number): Promise<number> {
    if (leaderEpoch !== epoch) memory = new Map();
    epoch = leaderEpoch;
    await addToLanes(unadded);
    const retriesBefore = ports.clock.now() + retryHorizonMs;
    const windows = await readWindows(ports, retriesBefore);
    showWindows(windows.values());
    await deferLate(ports, leaderEpoch, windows.values());
    memory = new Map([...memory].filter(([set]) => windows.has(set)));
    const wishes = [...windows.values()].flatMap((window) => wishOf(window, memory.get(window.candidateSet)));
    if (wishes.length === 0) return 0;
    const chosen = (await ports.ledger.unfedHeads(wishes, retriesBefore)).flatMap((heads) => {
      const window = windows.get(heads.candidateSet);
      return window === undefined ? [] : choose(ports.config(), window, heads, memory);
    });
    if (chosen.length === 0) return 0;
    const ids = chosen.map(({ jobId }) => jobId);
    const pointers = await ports.ledger.markLaned(leaderEpoch, ids);
    await addToLanes(pointers);
    return pointers.length;
  }

  return withRests(ports.clock, feed);
}

/** After a turn comes a rest of this many times its length: however large a backlog is, reading it leaves the ledger time. */
const restPerTurn = 4;

function withRests(clock: Clock, feed: FeedLanes): FeedLanes {
  let restsUntilMs = Number.NEGATIVE_INFINITY;
  return async (leaderEpoch) => {
    const startedAtMs = clock.monotonicMs();
    if (startedAtMs < restsUntilMs) return 0;
    const fed = await feed(leaderEpoch);
    const endedAtMs = clock.monotonicMs();
    restsUntilMs = endedAtMs + restPerTurn * (endedAtMs - startedAtMs);
    return fed;
  };
}

async function readWindows(
  { ledger, sizes, config }: FeedLanesPorts,
  retriesBefore: number,
): Promise<Map<string, Window>> {
  const uses = await ledger.unfedWindows(retriesBefore);
  const unknown = uses.map((use) => use.candidateSet).filter((set) => !sizes.knows(set));
  if (unknown.length > 0) for (const sample of await ledger.sampleJobs(unknown)) await sizes.learn(sample);
  return new Map(
    uses.map((use) => {
      const jobs = use.tenants.reduce((sum, tenant) => sum + tenant.jobs, 0);
      const tokens = use.tenants.reduce((sum, tenant) => sum + tenant.tokens, 0);
      const size = sizes.sizeOf(use.candidateSet, { jobs, tokens });
      return [use.candidateSet, { ...use, jobs, size, owed: owedOf(config(), use.tenants, size.places) }];
    }),
  );
}

/**
 * Under lasting overload the earliest deadlines are those of late jobs. Served first, they would make every job late
 * that could still be in time; so those that no deadline ends make way for these.
 */
async function deferLate(
  { ledger, clock }: FeedLanesPorts,
  leaderEpoch: number,
  windows: Iterable<Window>,
): Promise<void> {
  const now = clock.now();
  const late = [...windows].filter((window) => window.earliestUnfedAt <= now);
  if (late.length === 0) return;
  const sets = late.map(({ candidateSet }) => candidateSet);
  await ledger.deferLate(leaderEpoch, sets, now);
}

function owedOf(
  config: EngineConfig,
  tenants: WindowUse["tenants"],
  places: number,
): ReadonlyMap<TenantId, number> {
  const owed = new Map<TenantId, number>();
  if (tenants.reduce((sum, { jobs }) => sum + jobs, 0) <= places) return owed;
  const weightOf = (tenant: TenantId) => tenantConfig(config, tenant).weight;
  const weights = tenants.reduce((sum, { tenantId }) => sum + weightOf(tenantId), 0);
  const tokens = tenants.reduce((sum, tenant) => sum + tenant.tokens, 0);
  for (const tenant of tenants) {
    const lacks = weightOf(tenant.tenantId) / weights - tenant.tokens / Math.max(1, tokens);
    if (lacks > 0) owed.set(tenant.tenantId, Math.floor(places * lacks));
  }
  return owed;
}

function wishOf({ candidateSet, size, ...window }: Window, memory: SetMemory | undefined): FeedWish[] {
  const free = Math.max(0, size.places - window.jobs);
  const awaited = Math.min((memory?.flows ?? 0) * roomPerFlow, size.places * mostRoomWaited);
  const owed = Math.max(0, ...window.owed.values());
  const room = free >= awaited && free > 0 ? free : owed;
  const hasUrgent = free === 0 && window.earliestUnfedAt < (window.latestDeadlineAt ?? 0);
  const express = hasUrgent ? Math.max(0, size.places + size.expressPlaces - window.jobs) : 0;
  if (room + express === 0) return [];
  return [{ candidateSet, room, express, expressPlaces: size.expressPlaces }];
}

/** Which of the heads go: those whose turn it is, and, where the window is full, those that go express. */
function choose(
  config: EngineConfig,
  window: Window,
  heads: UnfedHeads,
  memory: Map<string, SetMemory>,
): readonly UnfedHead[] {
  const { candidateSet, size, tenants, jobs } = window;
  if (heads.flows.length === 0) return heads.express;
  if (jobs >= size.places) return overfull(window, heads);
  const parked = new Map(tenants.map((tenant) => [tenant.tenantId, tenant.parked]));
  const { chosen, deficits } = fillWindow({
    flows: heads.flows.map((flow) => ({
      tenant: flow.tenantId,
      weight: tenantConfig(config, flow.tenantId).weight,
      jobs: flow.jobs,
      more: flow.more,
      parked: parked.get(flow.tenantId) ?? 0,
    })),
    deficits: memory.get(candidateSet)?.deficits ?? new Map(),
    room: size.places - jobs,
    places: size.places,
  });
  memory.set(candidateSet, { deficits, flows: heads.flows.length });
  return chosen;
}

/** Of a window that has no free place: what tenants are owed of it, and what goes express. */
function overfull({ owed }: Window, { flows, express }: UnfedHeads): readonly UnfedHead[] {
  const due = flows.flatMap((flow) => flow.jobs.slice(0, owed.get(flow.tenantId) ?? 0));
  const going = new Set(due.map(({ jobId }) => jobId));
  return [...due, ...express.filter(({ jobId }) => !going.has(jobId))];
}
