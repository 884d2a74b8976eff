import type { Clock, Lanes, Logger } from "@sluice/domain";

/** Most pointers a lane holds that wait for a worker; the rest of the backlog stays in the ledger. */
export const laneWindow = 1024;

const refreshMs = 250;

/** Says whether a lane's window has room for one more pointer. */
export interface LaneRoom {
  /** Takes a place if there is one. Never waits: it works on a depth at most a moment old and its own additions. */
  take(model: string): boolean;
}

interface Level {
  waiting: number;
  readAt: number;
  reading: boolean;
}

/** Keeps an estimate of each lane's depth. While Redis does not answer there is no room: the dispatcher feeds later. */
export function createLaneRoom(ports: { lanes: Lanes; clock: Clock; logger: Logger }): LaneRoom {
  const levels = new Map<string, Level>();

  async function refresh(model: string, level: Level): Promise<void> {
    level.reading = true;
    try {
      const depth = await ports.lanes.depth(model);
      level.waiting = depth.waiting + depth.delayed;
    } catch (error) {
      level.waiting = laneWindow;
      ports.logger.debug({ model, err: error }, "lane depth is not known");
    }
    level.readAt = ports.clock.monotonicMs();
    level.reading = false;
  }

  return {
    take(model) {
      const level = levels.get(model) ?? { waiting: 0, readAt: Number.NEGATIVE_INFINITY, reading: false };
      levels.set(model, level);
      if (!level.reading && ports.clock.monotonicMs() - level.readAt > refreshMs) void refresh(model, level);
      if (level.waiting >= laneWindow) return false;
      level.waiting += 1;
      return true;
    },
  };
}
