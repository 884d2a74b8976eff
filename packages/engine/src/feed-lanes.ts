import type { DispatchLedger, Lanes, Metrics } from "@sluice/domain";
import { laneWindow } from "./lane-room.ts";

export interface FeedLanesPorts {
  readonly ledger: Pick<DispatchLedger, "unfedModels" | "takeForLane">;
  readonly lanes: Lanes;
  readonly metrics: Metrics;
}

/**
 * Fills each lane's window from the ledger, earliest effective deadline first. The ledger marks a job as laned before
 * its pointer goes out; a crash in between is found by {@link reconcileLanes}. Returns how many pointers were fed.
 */
export async function feedLanes(ports: FeedLanesPorts, leaderEpoch: number): Promise<number> {
  let fed = 0;
  for (const model of await ports.ledger.unfedModels()) {
    const depth = await ports.lanes.depth(model);
    reportDepth(ports.metrics, model, depth);
    const room = laneWindow - depth.waiting - depth.delayed;
    if (room <= 0) continue;
    const pointers = await ports.ledger.takeForLane(leaderEpoch, model, room);
    if (pointers.length > 0) await ports.lanes.add(pointers);
    fed += pointers.length;
  }
  return fed;
}

function reportDepth(
  metrics: Metrics,
  lane: string,
  depth: { waiting: number; active: number; delayed: number },
): void {
  for (const [state, count] of Object.entries(depth))
    metrics.set("sluice_lane_depth", { lane, state }, count);
}
