import type { EstimateRecord, LaneBacklog } from "@sluice/domain";
import { readWindows, type WindowReport } from "@sluice/engine";
import type { FastifyInstance } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { adminOf } from "../authenticate.ts";
import { describe } from "./describe.ts";

/** `GET /v1/lanes`, for operators. */
export function laneRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.get(
    "/v1/lanes",
    describe(
      "Operation",
      "What waits in each lane, in each candidate set's window, and behind them in the ledger (an admin key)",
    ),
    async (request) => {
      adminOf(request, "Lanes are shared by all tenants");
      await ports.forecaster.refreshed();
      const windows = await readWindows({ ...ports, sizes: ports.windowSizes });
      return { object: "list", data: await readLanes(ports), has_more: false, windows: windows.map(toView) };
    },
  );
}

function toView(window: WindowReport): Record<string, unknown> {
  return {
    object: "window",
    candidate_set: window.candidateSet,
    targets: window.targets,
    jobs: window.jobs,
    places: window.places,
    express_places: window.expressPlaces,
    parked: window.parked,
    running: window.running,
    backlog: { jobs: window.unfedJobs, tokens: window.unfedTokens, tenants: window.unfedTenants },
  };
}

/** Every model of the configuration, and those gone from it that still have jobs. */
async function readLanes(ports: ApiPorts): Promise<Record<string, unknown>[]> {
  const backlogs = new Map((await ports.ledger.laneBacklogs()).map((backlog) => [backlog.model, backlog]));
  const models = new Set([...Object.keys(ports.config().models), ...backlogs.keys()]);
  return Promise.all([...models].map((model) => readLane(ports, model, backlogs.get(model))));
}

async function readLane(ports: ApiPorts, model: string, backlog: LaneBacklog | undefined) {
  // Without Redis nothing is in any lane, and the ledger still knows the rest.
  const depth = await ports.lanes.depth(model).catch(() => undefined);
  const {
    unfedJobs = 0,
    unfedTokens = 0,
    queued = 0,
    running = 0,
    waiting = 0,
    oldestQueuedAt,
  } = backlog ?? {};
  const waited = oldestQueuedAt === undefined ? undefined : Math.max(0, ports.clock.now() - oldestQueuedAt);
  return {
    object: "lane",
    model,
    lane: depth === undefined ? null : { ...depth },
    backlog: { jobs: unfedJobs, tokens: unfedTokens },
    jobs: { queued, running, waiting },
    oldest_queued_at: oldestQueuedAt === undefined ? null : new Date(oldestQueuedAt).toISOString(),
    estimates: estimatesView(ports.forecaster.kept(model)),
    oldest_wait_seconds: waited === undefined ? null : Math.round(waited / 1000),
  };
}

/** Of the last thousand or two that have come true, the shares that were kept. */
function estimatesView(kept: EstimateRecord | undefined): Record<string, number> | null {
  if (kept === undefined || kept.finished === 0) return null;
  const { finished, byP50, byP95 } = kept;
  return { jobs: Math.round(finished), by_p50: byP50 / finished, by_p95: byP95 / finished };
}
