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
  readonly candidateSet: string;
  readonly tokens: number;
  readonly effectiveDeadlineAt: number;
  committedAt: number;
}

/** Without snapshots nothing is dropped by them. */
const longestKeptMs = 120_000;

/** Keeps jobs by tenant in order of acceptance. */
export function createAdditions(clock: Clock): Additions {
  let tenants = new Map<TenantId, Addition[]>();
  let droppedAt = clock.now();

  function keepOnly(isKept: (addition: Addition) => boolean): void {
    const kept = [...tenants].map(([tenant, list]) => [tenant, list.filter(isKept)] as const);
    tenants = new Map(kept.filter(([, list]) => list.length > 0));
    droppedAt = clock.now();
  }

  return {
    add({ tenantId, candidateSet, tokens, effectiveDeadlineAt }) {
      const now = clock.now();
      if (now - droppedAt > longestKeptMs)
        keepOnly(({ committedAt }) => committedAt === Number.POSITIVE_INFINITY);
      const addition = { candidateSet, tokens, effectiveDeadlineAt, committedAt: Number.POSITIVE_INFINITY };
      const list = tenants.get(tenantId) ?? [];
      list.push(addition);
      tenants.set(tenantId, list);
      const commit = (at: number) => void Object.assign(addition, { committedAt: at });
      return {
        committed: () => commit(clock.now()),
        dropped: () => commit(Number.NEGATIVE_INFINITY),
      };
    },
    before({ tenantId, candidateSet, effectiveDeadlineAt }) {
      return (tenants.get(tenantId) ?? [])
        .filter((each) => each.candidateSet === candidateSet && isCounted(each))
        .filter((each) => each.effectiveDeadlineAt <= effectiveDeadlineAt)
        .reduce((sum, { tokens }) => sum + tokens, 0);
    },
    tokensOf: (tenant) =>
      (tenants.get(tenant) ?? []).filter(isCounted).reduce((sum, { tokens }) => sum + tokens, 0),
    jobs: () => [...tenants.values()].reduce((sum, list) => sum + list.filter(isCounted).length, 0),
    drop: (takenAt) => keepOnly(({ committedAt }) => committedAt >= takenAt),
  };
}

function isCounted({ committedAt }: Addition): boolean {
  return committedAt !== Number.NEGATIVE_INFINITY;
}
