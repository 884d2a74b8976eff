import { mayServe } from "@sluice/dialects";
import type {
  Clock,
  EngineConfig,
  EstimateRecord,
  FinishEstimate,
  ForecastBoard,
  ForecastSnapshot,
  Job,
  JobSpec,
  KeptEstimate,
  Logger,
  TargetPace,
  TenantId,
} from "@sluice/domain";
import { estimateFinish, paceOf, type SetView, usualOutputTokens, viewSet } from "@sluice/scheduling";
import { lookUp } from "../look-up.ts";
import { targetsOf } from "../spec-job.ts";
import { tenantConfig } from "../tenant-config.ts";
import { type Additions, createAdditions } from "./additions.ts";

/** Predicts from what the leader has published, and what this process has accepted since. Never waits. */
export interface Forecaster {
  /**
   * When a job that comes now will have finished; `undefined` when that cannot be told. `tokensBefore` are those of its
   * batch that go before it and that nobody else counts yet.
   */
  estimate(job: JobSpec, tokensBefore?: number): KeptEstimate | undefined;
  /** When one that is waiting or running will have. */
  estimateLive(job: Job): FinishEstimate | undefined;
  /** Counts a job that is being accepted until a snapshot does. */
  readonly additions: Additions;
  /** How estimates of late were kept, of this model's jobs; `undefined` while none has come true. */
  kept(model: string): EstimateRecord | undefined;
  /** Unfinished jobs of the cluster, as far as it is known, and how many end per second. */
  jobs(): { readonly unfinished: number; readonly perSecond: number };
  /** What a tenant has unfinished, and how fast that is served. */
  tenantBacklog(tenant: TenantId): TenantBacklog;
  /** Resolves when the last published snapshot has been read, or after a moment. */
  refreshed(): Promise<void>;
}

export interface TenantBacklog {
  readonly tokens: number;
  readonly tokensPerSecond: number;
  /** Of a usual call. */
  readonly latencyMs: number;
}

export interface ForecasterPorts {
  readonly board: Pick<ForecastBoard, "read">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: () => EngineConfig;
}

const readEveryMs = 1_000;
const longestReadMs = 250;
/** What nobody has published for so long says nothing of what waits. */
const staleMs = 120_000;
const usualTokens = 2 * usualOutputTokens;
const usualLatencyMs = 1_000;

/** Reads the snapshot at most once a second, in the background, and only while somebody asks. */
export function createForecaster(ports: ForecasterPorts): Forecaster {
  const { clock } = ports;
  const additions = createAdditions(clock);
  let snapshot: ForecastSnapshot | undefined;
  let views = new Map<string, SetView>();
  let viewedHash: string | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    try {
      const seen = await ports.board.read();
      if (seen !== undefined && seen.takenAt !== snapshot?.takenAt) {
        snapshot = seen;
        views = new Map();
        additions.drop(seen.takenAt);
      }
    } catch (error) {
      ports.logger.debug({ err: error }, "what predictions are made from was not read");
    }
    readAtMs = clock.monotonicMs();
    reading = undefined;
  }

  function current(): ForecastSnapshot | undefined {
    if (reading === undefined && clock.monotonicMs() - readAtMs > readEveryMs) reading = read();
    return snapshot !== undefined && clock.now() - snapshot.takenAt < staleMs ? snapshot : undefined;
  }

  function viewOf(job: Pick<JobSpec, "candidateSet" | "model" | "endpoint">): SetView {
    const config = ports.config();
    const known = current();
    if (config.hash !== viewedHash) views = new Map();
    viewedHash = config.hash;
    const kept = known === undefined ? undefined : views.get(job.candidateSet);
    if (kept !== undefined) return kept;
    const view = makeView(config, known, job, clock.now());
    if (known !== undefined) views.set(job.candidateSet, view);
    return view;
  }

  function question(job: JobSpec, place: "last" | "among", tokensBefore = 0) {
    const { candidateSet, tenantId, effectiveDeadlineAt } = job;
    const leadMs = effectiveDeadlineAt - job.acceptedAt;
    const weight = tenantConfig(ports.config(), tenantId).weight;
    const addedTokens = additions.before(job) + tokensBefore;
    return {
      view: viewOf(job),
      corrections: snapshot?.corrections ?? {},
      candidateSet,
      job: { tenantId, weight, tokens: job.tokens, effectiveDeadlineAt, leadMs, place, addedTokens },
      watchedMs: snapshot?.watchedMs ?? 0,
      now: clock.now(),
    };
  }

  return {
    additions,
    estimate: (job, tokensBefore) => estimateFinish(question(job, "last", tokensBefore)),
    estimateLive(job) {
      if (job.state !== "running") {
        // Who is held for room may go before; a retry may not.
        const notBeforeAt = job.waitingFor === undefined ? job.notBeforeAt : undefined;
        return estimateFinish({ ...question(job, "among"), notBeforeAt });
      }
      const asked = question(job, "among");
      const ahead = { flows: new Map(), closedForMs: 0 };
      return estimateFinish({
        ...asked,
        view: { ...asked.view, ...ahead },
        job: { ...asked.job, addedTokens: 0 },
      });
    },
    kept: (model) => lookUp(current()?.records ?? {}, model),
    jobs() {
      const known = current();
      return {
        unfinished: (known?.jobs ?? 0) + additions.jobs(),
        perSecond: known?.jobsPerSecond ?? 0,
      };
    },
    tenantBacklog(tenant) {
      const known = current();
      const sums = known?.tenants[tenant];
      const tokens = (sums?.waitingTokens ?? 0) + (sums?.runningTokens ?? 0) + additions.tokensOf(tenant);
      return { tokens, ...drainOf(ports.config(), known, tenant) };
    },
    async refreshed() {
      reading ??= read();
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = clock.setTimer(longestReadMs, resolve);
      await Promise.race([reading, promise]);
      cancel();
    },
  };
}

function makeView(
  config: EngineConfig,
  known: ForecastSnapshot | undefined,
  { candidateSet, model, endpoint }: Pick<JobSpec, "candidateSet" | "model" | "endpoint">,
  now: number,
): SetView {
  const targets = { ...pacesByLimits(config), ...known?.targets };
  const ids = known?.sets.find((set) => set.candidateSet === candidateSet)?.targets;
  const alias = lookUp(config.models, model);
  const possible = alias === undefined ? [] : targetsOf(config, alias);
  const serving = possible.filter(({ endpoints }) => mayServe(endpoints, endpoint)).map(({ id }) => id);
  return viewSet(
    { takenAt: known?.takenAt ?? now, targets, sets: known?.sets ?? [] },
    ids ?? serving,
    (tenant) => tenantConfig(config, tenant).weight,
  );
}

/** Before anything has been measured. */
function pacesByLimits(config: EngineConfig): Record<string, TargetPace> {
  const targets = Object.values(config.pools).flatMap((pool) => pool.targets);
  return Object.fromEntries(
    targets.map(({ id, limits }) => {
      const { startsPerSecond } = paceOf({ limits, signals: undefined }, usualTokens);
      return [id, { tokensPerSecond: startsPerSecond * usualTokens }];
    }),
  );
}

/** The tenant's share of all sets in which it has jobs that wait; of one with none, of any. */
function drainOf(config: EngineConfig, known: ForecastSnapshot | undefined, tenant: TenantId) {
  let [tokensPerSecond, latencyMs] = [0, 0];
  for (const set of known?.sets ?? []) {
    if (known === undefined || !set.flows.some(({ tenantId }) => tenantId === tenant)) continue;
    const view = viewSet(known, set.targets, (each) => tenantConfig(config, each).weight);
    const waiting = [...view.flows].filter(([id, { tokens }]) => id === tenant || tokens > 0);
    const weights = waiting.reduce((sum, [, { weight }]) => sum + weight, 0);
    tokensPerSecond += (view.tokensPerSecond * tenantConfig(config, tenant).weight) / weights;
    latencyMs = Math.max(latencyMs, view.latencyMs ?? 0);
  }
  return { tokensPerSecond, latencyMs: latencyMs === 0 ? usualLatencyMs : latencyMs };
}
