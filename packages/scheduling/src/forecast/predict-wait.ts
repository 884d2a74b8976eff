import type { TenantId } from "@sluice/domain";
import type { SetView, ViewedFlow } from "./set-view.ts";
import { type Place, tokensBefore, tokensOvertaking } from "./tokens-ahead.ts";

/** A job whose start is predicted. */
export interface ForecastJob {
  readonly tenantId: TenantId;
  /** Its tenant's share beside others. */
  readonly weight: number;
  readonly tokens: number;
  readonly effectiveDeadlineAt: number;
  readonly place: Place;
  /** Tokens of its tenant that go before it and came after the view was taken. */
  readonly addedTokens: number;
}

/** Beyond this, nothing is predicted: a queue that grows for so long never comes to the job. */
export const longestWaitMs = 30 * 86_400_000;
const shortestStepMs = 1;

const noFlow: ViewedFlow = { weight: 1, tokens: 0, bands: [], arrivals: [] };

/**
 * Predicts how long a job waits from the moment the view was taken: until the tokens of its own tenant that go before it
 * (waiting now, or coming with earlier effective deadlines) and its own have been served at the tenant's share of the
 * pace. Infinite when that never comes. What runs already is not ahead of it: a job waits for others to start, and in a
 * server that is busy the starts keep the pace of the ends.
 */
export function predictWaitMs(view: SetView, job: ForecastJob): number {
  const flow = view.flows.get(job.tenantId) ?? noFlow;
  const before = (job.addedTokens ?? 0) + tokensAhead(flow, job);
  const isIdle = before === 0 && [...view.flows.values()].every(({ tokens }) => tokens === 0);
  if (isIdle) return view.closedForMs;
  if (view.tokensPerSecond <= 0) return Number.POSITIVE_INFINITY;
  const leftMs = job.effectiveDeadlineAt - view.takenAt;
  const perMs = view.tokensPerSecond / 1000;
  const isServedWithin = (forMs: number) => {
    const own = before + job.tokens + tokensOvertaking(flow.arrivals, { leftMs, forMs });
    const others = view.sharing.othersServed(job.tenantId, own / job.weight, forMs / 1000);
    return own + others <= forMs * perMs;
  };
  return view.closedForMs + firstThat(isServedWithin);
}

function tokensAhead({ bands }: ViewedFlow, { effectiveDeadlineAt, place }: ForecastJob): number {
  return bands.reduce((sum, band) => sum + tokensBefore(band, effectiveDeadlineAt, place), 0);
}

/** The least time that holds, to a thousandth; once it holds it goes on to hold, but for what is soon caught up. */
function firstThat(holds: (forMs: number) => boolean): number {
  let high = shortestStepMs;
  while (!holds(high)) {
    if (high > longestWaitMs) return Number.POSITIVE_INFINITY;
    high *= 2;
  }
  let low = high === shortestStepMs ? 0 : high / 2;
  while (high - low > Math.max(shortestStepMs, high / 1000)) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}
