import type {
  FeedLedger,
  LanePointer,
  UnfedHead,
  UnfedHeads,
  WindowLedger,
  WindowLevel,
} from "@sluice/domain";
import type { JobRow } from "./job-row.ts";
import { createSortedRows, type SortedRows } from "./sorted-rows.ts";

/** The jobs of one candidate set: what is unfed, by tenant, and what the lanes hold of it. */
interface SetOfJobs {
  readonly unfed: Map<string, SortedRows<JobRow>>;
  readonly laned: Set<JobRow>;
}

/** The feed's side of the ledger in memory; rows change outside and are looked at when they are met. */
export interface MemoryBacklog extends Omit<FeedLedger, "markLaned">, WindowLedger {
  add(row: JobRow): void;
  /** Marks rows as laned and returns their pointers. */
  lane(rows: readonly JobRow[]): LanePointer[];
  /** Forgets a row that has ended. */
  remove(row: JobRow): void;
}

const isUnfed = (row: JobRow): boolean => !row.laned && row.state === "queued";
const urgency = (row: JobRow): number => row.spec.effectiveDeadlineAt;

/** Makes an empty backlog. */
export function createMemoryBacklog(): MemoryBacklog {
  const sets = new Map<string, SetOfJobs>();

  function setOf(name: string): SetOfJobs {
    const found = sets.get(name) ?? {
      unfed: new Map<string, SortedRows<JobRow>>(),
      laned: new Set<JobRow>(),
    };
    sets.set(name, found);
    return found;
  }

  return {
    add(row) {
      const { candidateSet, tenantId } = row.spec;
      const set = setOf(candidateSet);
      if (row.laned) {
        set.laned.add(row);
        return;
      }
      const flow = set.unfed.get(tenantId) ?? createSortedRows(urgency, isUnfed);
      set.unfed.set(tenantId, flow);
      flow.add(row);
    },
    lane(rows) {
      for (const row of rows) {
        row.laned = true;
        setOf(row.spec.candidateSet).laned.add(row);
      }
      return rows.map(pointerOf).sort((a, b) => a.effectiveDeadlineAt - b.effectiveDeadlineAt);
    },
    remove: (row) => void setOf(row.spec.candidateSet).laned.delete(row),
    async unfedWindows(retriesBefore) {
      return [...sets].flatMap(([candidateSet, set]) => {
        const earliestUnfedAt = earliestOf(set);
        if (earliestUnfedAt === undefined) return [];
        const rows = windowOf(set, retriesBefore);
        const tenants = [...Map.groupBy(rows, (row) => row.spec.tenantId)].map(([tenantId, group]) => ({
          tenantId,
          jobs: group.length,
          parked: group.filter((row) => row.waitingFor !== undefined).length,
          tokens: group.reduce((sum, row) => sum + row.spec.tokens, 0),
        }));
        const latestDeadlineAt = rows.length === 0 ? undefined : Math.max(...rows.map(urgency));
        return [{ candidateSet, tenants, latestDeadlineAt, earliestUnfedAt }];
      });
    },
    async sampleJobs(names) {
      return names.flatMap((name) => {
        const set = sets.get(name);
        if (set === undefined) return [];
        const unfed = [...set.unfed.values()].flatMap((flow) => flow.first(1));
        return [...unfed, ...set.laned].slice(0, 1).map(({ spec }) => spec);
      });
    },
    async deferLate(_leaderEpoch, names, now) {
      const late = names
        .flatMap((name) => [...(sets.get(name)?.unfed.values() ?? [])])
        .flatMap((flow) => {
          const rows = flow.first(mostDeferred).filter((row) => isLate(row, now));
          flow.remove(rows);
          for (const row of rows) {
            row.spec = { ...row.spec, effectiveDeadlineAt: now + (now - row.spec.acceptedAt) };
            flow.add(row);
          }
          return rows;
        });
      return late.length;
    },
    async unfedHeads(wishes, retriesBefore) {
      return wishes.flatMap(({ candidateSet, room, express, expressPlaces }) => {
        const set = sets.get(candidateSet);
        if (set === undefined) return [];
        const place = placeOf(windowOf(set, retriesBefore), expressPlaces);
        const urgent =
          place === undefined ? [] : mostUrgent(set, express).filter((row) => urgency(row) < place);
        const flows = room > 0 ? flowsOf(set, room) : [];
        return [{ candidateSet, flows, express: urgent.map(headOf) }];
      });
    },
    async windowLevels(places, retriesBefore) {
      return places.map(({ candidateSet, place }): WindowLevel => {
        const set = setOf(candidateSet);
        const rows = windowOf(set, retriesBefore);
        return {
          candidateSet,
          jobs: rows.length,
          tokens: rows.reduce((sum, row) => sum + row.spec.tokens, 0),
          earliestUnfedAt: earliestOf(set),
          placeDeadlineAt: placeOf(rows, place),
        };
      });
    },
  };
}

/** Jobs of one tenant that stand back in one step. */
const mostDeferred = 1_000;

function isLate({ spec: { onMiss, effectiveDeadlineAt, deadlineAt } }: JobRow, now: number): boolean {
  return onMiss === "best_effort" && effectiveDeadlineAt <= now && deadlineAt <= now;
}

/** What is laned and does not run; retries that are due later do not count. */
function windowOf({ laned }: SetOfJobs, retriesBefore: number): JobRow[] {
  return [...laned].filter(
    ({ state, waitingFor, notBeforeAt }) =>
      (state === "queued" || state === "waiting") &&
      (waitingFor !== undefined || notBeforeAt === undefined || notBeforeAt <= retriesBefore),
  );
}

function earliestOf({ unfed }: SetOfJobs): number | undefined {
  const heads = [...unfed.values()].flatMap((flow) => flow.first(1));
  return heads.length === 0 ? undefined : Math.min(...heads.map(urgency));
}

/** Effective deadline of the row at this place (1 is the first) by urgency. */
function placeOf(rows: readonly JobRow[], place: number): number | undefined {
  return rows.map(urgency).sort((a, b) => a - b)[place - 1];
}

/** As many of each tenant as there is room, of all together four times as many, as the real ledger reads them. */
function flowsOf({ unfed }: SetOfJobs, room: number): UnfedHeads["flows"] {
  const backlogged = [...unfed.values()].filter((flow) => flow.first(1).length > 0);
  const most = Math.min(room, Math.ceil((4 * room) / backlogged.length));
  return backlogged.flatMap((flow) => {
    const rows = flow.first(most);
    const [head] = rows;
    if (head === undefined) return [];
    const { tenantId } = head.spec;
    return [{ tenantId, jobs: rows.map(headOf), more: rows.length === most }];
  });
}

function mostUrgent({ unfed }: SetOfJobs, limit: number): JobRow[] {
  const heads = [...unfed.values()].flatMap((flow) => flow.first(limit));
  return heads.sort((a, b) => urgency(a) - urgency(b)).slice(0, limit);
}

function headOf({ spec: { id, candidateSet, tenantId, tokens } }: JobRow): UnfedHead {
  return { jobId: id, candidateSet, tenantId, tokens };
}

/** The pointer that a lane gets of it. */
export function pointerOf({ spec: { id, model, effectiveDeadlineAt } }: JobRow): LanePointer {
  return { jobId: id, model, effectiveDeadlineAt };
}
