import type {
  Capacity,
  Clock,
  EngineConfig,
  FileStore,
  JobSpec,
  Logger,
  Signals,
  Target,
} from "@sluice/domain";
import { candidateTargets } from "@sluice/routing";
import { usualOutputTokens, type WindowSize, windowSize } from "@sluice/scheduling";
import { lookUp } from "./look-up.ts";
import { requestOfJob, routeRequest } from "./route-request.ts";

export interface WindowSizesPorts {
  readonly capacity: Pick<Capacity, "signals">;
  readonly files: FileStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: () => EngineConfig;
}

/** Sizes of the windows of candidate sets. A set is known by its name only, so its targets are found by one of its jobs. */
export interface WindowSizes {
  /** Whether its targets have been found since the configuration changed. */
  knows(candidateSet: string): boolean;
  /** Finds the targets of the set of this job. */
  learn(sample: JobSpec): Promise<void>;
  /** Ids of the targets that were found. */
  targetsOf(candidateSet: string): readonly string[];
  /** The size by what is known: never waits, so signals are those of a moment ago, or none while Redis is away. */
  sizeOf(candidateSet: string, use: { readonly jobs: number; readonly tokens: number }): WindowSize;
}

const signalsMaxAgeMs = 1_000;
/** Sets are few, but requests may narrow their targets in any way. */
const mostKept = 10_000;

interface KnownSet {
  readonly targets: readonly Target[];
  signals: Signals;
  askedAtMs: number;
}

/** Makes the sizes; signals are read at most once a second for each set, and only while somebody asks for its size. */
export function createWindowSizes(ports: WindowSizesPorts): WindowSizes {
  const kept = new Map<string, KnownSet>();
  let configHash: string | undefined;

  function known(): Map<string, KnownSet> {
    const { hash } = ports.config();
    if (hash !== configHash || kept.size > mostKept) kept.clear();
    configHash = hash;
    return kept;
  }

  function refresh(set: KnownSet): void {
    const now = ports.clock.monotonicMs();
    if (set.targets.length === 0 || now - set.askedAtMs < signalsMaxAgeMs) return;
    set.askedAtMs = now;
    ports.capacity.signals(set.targets).then(
      (signals) => (set.signals = signals),
      (error: unknown) =>
        ports.logger.debug({ err: error }, "signals for the size of a window were not read"),
    );
  }

  return {
    knows: (candidateSet) => known().has(candidateSet),
    async learn(sample) {
      const sets = known();
      const targets = await targetsOfSample(ports, sample);
      const set = { targets, signals: {}, askedAtMs: Number.NEGATIVE_INFINITY };
      sets.set(sample.candidateSet, set);
    },
    targetsOf: (candidateSet) => (known().get(candidateSet)?.targets ?? []).map(({ id }) => id),
    sizeOf(candidateSet, use) {
      const set = known().get(candidateSet);
      if (set !== undefined) refresh(set);
      const targets = (set?.targets ?? []).map(({ id, limits }) => ({ limits, signals: set?.signals[id] }));
      return windowSize(targets, use.jobs === 0 ? usualTokens : use.tokens / use.jobs);
    },
  };
}

/** What a job is taken to be charged where none is known: as much prompt as answer. */
const usualTokens = 2 * usualOutputTokens;

/** The configuration may have changed since the job was accepted: then its set has the targets it would have now. */
async function targetsOfSample(ports: WindowSizesPorts, sample: JobSpec): Promise<readonly Target[]> {
  const config = ports.config();
  const alias = lookUp(config.models, sample.model);
  if (alias === undefined) return [];
  const job = { ...sample, attempts: 0, failedTargets: [] };
  const request = await routeRequest({ files: ports.files, config }, job, alias).catch((error: unknown) => {
    // Without its body the rules that read it do not match: a guess, but no job is kept from its lane.
    ports.logger.warn(
      { jobId: sample.id, err: error },
      "a job that stands for its candidate set was not read",
    );
    return requestOfJob(job, undefined);
  });
  return candidateTargets(request, config, ports.clock.now());
}
