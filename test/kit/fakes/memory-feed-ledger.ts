import type {
  FeedLedger,
  FeedWish,
  JobId,
  JobSpec,
  LanePointer,
  UnfedHead,
  WindowLedger,
} from "@sluice/domain";
import type { Standing } from "../feed-conformance.ts";
import { createFaults, type Faults } from "./faults.ts";

type Method = keyof FeedLedger | keyof WindowLedger;

/** A backlog in memory; a test moves its jobs itself. */
export interface MemoryFeedLedger extends FeedLedger, WindowLedger {
  readonly rows: Map<JobId, { spec: JobSpec; standing: Standing }>;
  readonly faults: Faults<Method>;
  /** Each method that was called. */
  readonly calls: Method[];
  /** The epoch of each marking. */
  readonly epochs: number[];
}

const byDeadline = (a: JobSpec, b: JobSpec) => a.effectiveDeadlineAt - b.effectiveDeadlineAt;

/** Makes an empty backlog. */
export function createMemoryFeedLedger(): MemoryFeedLedger {
  const rows: MemoryFeedLedger["rows"] = new Map();
  const faults = createFaults<Method>();
  const calls: Method[] = [];
  const epochs: number[] = [];

  function run<T>(method: Method, effect: () => T): Promise<T> {
    calls.push(method);
    return faults.run(method, effect);
  }

  function where(fits: (standing: Standing) => boolean, candidateSet?: string): JobSpec[] {
    const all = [...rows.values()].filter(({ standing }) => fits(standing)).map(({ spec }) => spec);
    return all
      .filter((spec) => candidateSet === undefined || spec.candidateSet === candidateSet)
      .sort(byDeadline);
  }
  const unfed = (candidateSet?: string) => where(({ kind }) => kind === "unfed", candidateSet);
  const inWindow = (candidateSet: string, retriesBefore: number) =>
    where((standing) => {
      if (standing.kind === "retry") return standing.at <= retriesBefore;
      return standing.kind === "laned" || standing.kind === "parked";
    }, candidateSet);
  const isParked = ({ id }: JobSpec) => rows.get(id)?.standing.kind === "parked";
  const sum = (specs: readonly JobSpec[]) => specs.reduce((total, { tokens }) => total + tokens, 0);

  function windowOf(candidateSet: string, retriesBefore: number) {
    const held = inWindow(candidateSet, retriesBefore);
    const tenants = [...Map.groupBy(held, (spec) => spec.tenantId)].map(([tenantId, jobs]) => ({
      tenantId,
      jobs: jobs.length,
      parked: jobs.filter(isParked).length,
      tokens: sum(jobs),
    }));
    const latestDeadlineAt = held.at(-1)?.effectiveDeadlineAt;
    return {
      candidateSet,
      tenants,
      latestDeadlineAt,
      earliestUnfedAt: unfed(candidateSet)[0]?.effectiveDeadlineAt ?? 0,
    };
  }

  function headsOf({ candidateSet, room, express, expressPlaces }: FeedWish, retriesBefore: number) {
    const tenants = [...Map.groupBy(unfed(candidateSet), (spec) => spec.tenantId)];
    const most = Math.min(room, Math.ceil((4 * room) / tenants.length));
    const flows = tenants.map(([tenantId, jobs]) => ({
      tenantId,
      jobs: jobs.slice(0, most).map(headOf),
      more: jobs.length >= most,
    }));
    const before = inWindow(candidateSet, retriesBefore)[expressPlaces - 1]?.effectiveDeadlineAt ?? 0;
    const urgent = unfed(candidateSet).filter((spec) => spec.effectiveDeadlineAt < before);
    return { candidateSet, flows: room > 0 ? flows : [], express: urgent.slice(0, express).map(headOf) };
  }

  return {
    rows,
    faults,
    calls,
    epochs,
    unfedWindows: (retriesBefore) =>
      run("unfedWindows", () =>
        [...new Set(unfed().map(({ candidateSet }) => candidateSet))].map((set) =>
          windowOf(set, retriesBefore),
        ),
      ),
    sampleJobs: (sets) =>
      run("sampleJobs", () => sets.flatMap((set) => [...unfed(set), ...where(() => true, set)].slice(0, 1))),
    unfedHeads: (wishes, retriesBefore) =>
      run("unfedHeads", () =>
        wishes
          .map((wish) => headsOf(wish, retriesBefore))
          .filter(({ flows, express }) => flows.length + express.length > 0),
      ),
    deferLate: (_epoch, sets, now) =>
      run("deferLate", () => {
        const late = [...rows.values()].filter(
          ({ spec, standing }) =>
            standing.kind === "unfed" &&
            sets.includes(spec.candidateSet) &&
            spec.onMiss === "best_effort" &&
            Math.max(spec.deadlineAt, spec.effectiveDeadlineAt) <= now,
        );
        for (const row of late)
          row.spec = { ...row.spec, effectiveDeadlineAt: now + (now - row.spec.acceptedAt) };
        return late.length;
      }),
    markLaned: (epoch, ids) =>
      run("markLaned", () => {
        epochs.push(epoch);
        const marked = ids
          .flatMap((id) => rows.get(id) ?? [])
          .filter(({ standing }) => standing.kind === "unfed");
        for (const row of marked) row.standing = { kind: "laned" };
        return marked
          .map(({ spec }) => spec)
          .sort(byDeadline)
          .map(pointerOf);
      }),
    windowLevels: (places, retriesBefore) =>
      run("windowLevels", () =>
        places.map(({ candidateSet, place }) => {
          const held = inWindow(candidateSet, retriesBefore);
          return {
            candidateSet,
            jobs: held.length,
            tokens: sum(held),
            earliestUnfedAt: unfed(candidateSet)[0]?.effectiveDeadlineAt,
            placeDeadlineAt: held[place - 1]?.effectiveDeadlineAt,
          };
        }),
      ),
  };
}

function headOf({ id, candidateSet, tenantId, tokens }: JobSpec): UnfedHead {
  return { jobId: id, candidateSet, tenantId, tokens };
}

function pointerOf({ id, model, effectiveDeadlineAt }: JobSpec): LanePointer {
  return { jobId: id, model, effectiveDeadlineAt, notBeforeAt: undefined };
}
