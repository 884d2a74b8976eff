import type { Clock, JobSpec, Logger, WindowLedger, WindowLevel } from "@sluice/domain";
import { retryHorizonMs } from "./feed-lanes.ts";
import type { WindowSizes } from "./window-sizes.ts";

/** Says whether an accepted job may go straight into its lane; what may not is left to the dispatcher's feed. */
export interface LaneRoom {
  /** Takes a place of its window if there is one. Never waits: it works on a level a moment old and its own additions. */
  take(spec: JobSpec): boolean;
  /** The ledger has the job that took a place, or refused it: from now on a reading of the ledger counts it. */
  committed(spec: JobSpec): void;
  /** The lanes did not take what was promised to them: for a moment nothing goes straight. */
  lanesAreAway(): void;
}

export interface LaneRoomPorts {
  readonly ledger: WindowLedger;
  readonly sizes: WindowSizes;
  readonly clock: Clock;
  readonly logger: Logger;
}

const refreshMs = 250;
const awayMs = 1_000;

/** What this process knows of a window, and what it has added to it since. */
interface Level {
  readonly sample: JobSpec;
  known: Omit<WindowLevel, "candidateSet">;
  added: number;
  /** Of those, express. */
  express: number;
  /** Of those, not committed yet: no reading of the ledger counts them. */
  uncommitted: number;
  /** Whether jobs have come since the last reading. */
  used: boolean;
}

/**
 * Keeps the levels of the windows that this process adds to, read from the ledger at most four times a second and only
 * while jobs come. A job goes straight into its lane if nothing of its set is unfed and the window has room. If it is
 * more urgent than everything unfed and than all but a few of the window's jobs, it goes express: a full window of
 * nightly work delays it by nothing.
 */
export function createLaneRoom(ports: LaneRoomPorts): LaneRoom {
  const levels = new Map<string, Level>();
  let readAtMs = Number.NEGATIVE_INFINITY;
  let awayUntilMs = Number.NEGATIVE_INFINITY;
  let reading = false;

  async function refresh(): Promise<void> {
    reading = true;
    try {
      await readLevels(ports, levels);
    } catch (error) {
      ports.logger.debug({ err: error }, "the levels of the windows are not known");
    }
    readAtMs = ports.clock.monotonicMs();
    reading = false;
  }

  return {
    take(spec) {
      const level = levels.get(spec.candidateSet) ?? emptyLevel(spec);
      levels.set(spec.candidateSet, level);
      level.used = true;
      const now = ports.clock.monotonicMs();
      if (!reading && now - readAtMs > refreshMs) void refresh();
      if (now < awayUntilMs || !takePlace(ports, level, spec)) return false;
      level.added += 1;
      level.uncommitted += 1;
      return true;
    },
    committed({ candidateSet }) {
      const level = levels.get(candidateSet);
      if (level !== undefined) level.uncommitted -= 1;
    },
    lanesAreAway() {
      awayUntilMs = ports.clock.monotonicMs() + awayMs;
    },
  };
}

function emptyLevel(sample: JobSpec): Level {
  const known = { jobs: 0, tokens: 0, earliestUnfedAt: undefined, placeDeadlineAt: undefined };
  return { sample, known, added: 0, express: 0, uncommitted: 0, used: true };
}

function takePlace({ sizes }: LaneRoomPorts, level: Level, spec: JobSpec): boolean {
  const { jobs, earliestUnfedAt = Number.POSITIVE_INFINITY } = level.known;
  const size = sizes.sizeOf(spec.candidateSet, level.known);
  const hasRoom = jobs + level.added < size.places;
  const isExpress = () =>
    jobs + level.added < size.places + size.expressPlaces &&
    level.express < size.expressPlaces &&
    spec.effectiveDeadlineAt < Math.min(earliestUnfedAt, expressBefore(level));
  if (hasRoom && earliestUnfedAt === Number.POSITIVE_INFINITY) return true;
  if (isExpress()) {
    level.express += 1;
    return true;
  }
  // What is left to the feed stands before those that come after it.
  const earliest = Math.min(earliestUnfedAt, spec.effectiveDeadlineAt);
  level.known = { ...level.known, earliestUnfedAt: earliest };
  return false;
}

/** A window whose express place is not filled is behind its backlog; without backlog its filling is not known yet. */
function expressBefore({ known }: Level): number {
  const unknown = known.earliestUnfedAt === undefined ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return known.placeDeadlineAt ?? unknown;
}

/** Brings the levels that are in use up to date and forgets the others. */
async function readLevels(
  { ledger, sizes, clock }: LaneRoomPorts,
  levels: Map<string, Level>,
): Promise<void> {
  for (const [set, { used, uncommitted, sample }] of levels) {
    if (!used && uncommitted === 0) levels.delete(set);
    else if (!sizes.knows(set)) await sizes.learn(sample);
  }
  const places = [...levels].map(([candidateSet, level]) => {
    // What is committed or added from here on may or may not be seen by the reading: it counts.
    const { uncommitted } = level;
    Object.assign(level, {
      added: uncommitted,
      express: Math.min(level.express, uncommitted),
      used: false,
    });
    return { candidateSet, place: sizes.sizeOf(candidateSet, level.known).expressPlaces };
  });
  for (const { candidateSet, ...known } of await ledger.windowLevels(places, clock.now() + retryHorizonMs)) {
    const level = levels.get(candidateSet);
    if (level !== undefined) level.known = known;
  }
}
