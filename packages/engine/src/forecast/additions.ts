import type { Clock, JobSpec, TenantId } from "@sluice/domain";

/** What this process has accepted and no snapshot counts yet. */
export interface Additions {
  /** Counts a job; the answer says how its commit went. */
  add(job: JobSpec): { readonly committed: () => void; readonly dropped: () => void };
  /** Tokens of the job's tenant and set that go before it. */
  before(job: JobSpec): number;
  tokensOf(tenant: TenantId): number;
  jobs(): number;
  /** A snapshot taken then counts all that was committed before. */
  drop(takenAt: number): void;
}

interface Addition {
  readonly tenantId: TenantId;
  readonly candidateSet: string;
  readonly tokens: number;
  readonly second: number;
  committedAt: number;
  counts: boolean;
}

/** Without snapshots nothing is dropped by them. */
const longestKeptMs = 120_000;
/** Deadlines within one of these count as the same. */
const secondMs = 1_000;

/** Keeps jobs until a snapshot counts them, and their sums, so that a burst of jobs is not gone through for each of them. */
export function createAdditions(clock: Clock): Additions {
  let kept: Addition[] = [];
  let jobs = 0;
  const tokensOfTenant = new Map<TenantId, number>();
  /** Tokens of a tenant's jobs of a set, by the second of their effective deadlines. */
  const flows = new Map<string, Map<number, number>>();
  let droppedAt = clock.now();

  function count(addition: Addition, sign: 1 | -1): void {
    const { tenantId, second } = addition;
    const tokens = sign * addition.tokens;
    addition.counts = sign === 1;
    jobs += sign;
    addTo(tokensOfTenant, tenantId, tokens);
    const name = flowOf(addition);
    const flow = flows.get(name) ?? new Map<number, number>();
    addTo(flow, second, tokens);
    if (flow.size === 0) flows.delete(name);
    else flows.set(name, flow);
  }

  function stopCounting(addition: Addition): void {
    if (addition.counts) count(addition, -1);
  }

  function keepOnly(isKept: (addition: Addition) => boolean): void {
    kept = kept.filter((addition) => {
      const stays = addition.counts && isKept(addition);
      if (!stays) stopCounting(addition);
      return stays;
    });
    droppedAt = clock.now();
  }

  return {
    add({ tenantId, candidateSet, tokens, effectiveDeadlineAt }) {
      const now = clock.now();
      if (now - droppedAt > longestKeptMs)
        keepOnly(({ committedAt }) => committedAt === Number.POSITIVE_INFINITY);
      const addition = {
        tenantId,
        candidateSet,
        tokens,
        second: secondOf(effectiveDeadlineAt),
        committedAt: Number.POSITIVE_INFINITY,
        counts: true,
      };
      kept.push(addition);
      count(addition, 1);
      return {
        committed: () => {
          addition.committedAt = clock.now();
        },
        dropped: () => stopCounting(addition),
      };
    },
    before(job) {
      let sum = 0;
      const own = secondOf(job.effectiveDeadlineAt);
      for (const [second, tokens] of flows.get(flowOf(job)) ?? []) if (second <= own) sum += tokens;
      return sum;
    },
    tokensOf: (tenant) => tokensOfTenant.get(tenant) ?? 0,
    jobs: () => jobs,
    drop: (takenAt) => keepOnly(({ committedAt }) => committedAt >= takenAt),
  };
}

const secondOf = (at: number): number => Math.floor(at / secondMs);
/** A tenant's name holds no space. */
const flowOf = ({ tenantId, candidateSet }: Pick<JobSpec, "tenantId" | "candidateSet">): string =>
  `${tenantId} ${candidateSet}`;

/** Sums of whole numbers: what is taken away again leaves nothing. */
function addTo<Key>(sums: Map<Key, number>, key: Key, amount: number): void {
  const sum = (sums.get(key) ?? 0) + amount;
  if (sum === 0) sums.delete(key);
  else sums.set(key, sum);
}
