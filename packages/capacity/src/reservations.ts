import type { ReserveAnswer, ReserveRequest } from "@sluice/domain";

/** A job with less time than this left probes a failing target only when no other has come. */
const calmMs = 60_000;

/** Whether a request has time to probe a failing target. */
export function isCalm({ turn }: ReserveRequest, now: number): boolean {
  return turn === undefined || turn.effectiveDeadlineAt - now >= calmMs;
}

export interface Grant {
  readonly request: ReserveRequest;
  readonly id: string;
  /** What each limit has left; -1 where none is stated. */
  readonly left: { readonly requests: number; readonly tokens: number };
  /** The opening of the breaker that the call probes, 0 for any other call. */
  readonly probe: number;
}

/** The answer that grants a request. */
export function grant({ request, id, left, probe }: Grant): ReserveAnswer {
  const stated = {
    ...(left.requests < 0 ? {} : { requests: left.requests }),
    ...(left.tokens < 0 ? {} : { tokens: left.tokens }),
  };
  const reservation = { id, targetId: request.target.id, tenantId: request.tenant.id, left: stated };
  return { kind: "granted", reservation: probe > 0 ? { ...reservation, probe } : reservation };
}
