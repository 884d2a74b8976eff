import { randomBytes } from "node:crypto";
import {
  type Clock,
  createIdSource,
  idFromUuid,
  type ReserveRequest,
  type Target,
  type TargetLimits,
  type Turn,
  tenantId,
} from "@sluice/domain";

/** For tests: a clock that moves only when told. */
export function createTestClock(): Clock & { advance: (ms: number) => void } {
  let now = 1_700_000_000_000;
  return {
    now: () => now,
    monotonicMs: () => now,
    setTimer: () => () => undefined,
    advance(ms) {
      now += ms;
    },
  };
}

/** For tests: ids by the real clock. */
export const testIds = createIdSource({ now: () => Date.now() }, (size) => randomBytes(size));

/** For tests: a target with these limits. */
export function testTarget(id: string, limits: TargetLimits = {}): Target {
  return {
    id,
    pool: "p",
    provider: "sim",
    model: "m",
    weight: 1,
    limits,
    price: { input: 1, cachedInput: 1, output: 1 },
    contextWindow: 1_000,
    maxOutputTokens: 1_000,
    endpoints: [],
    capabilities: [],
    tags: [],
  };
}

/** For tests: a reservation of 10 + 10 tokens by owner `w1` for tenant `t1`, held for 30 s. */
export function testRequest(target: Target, changes: Partial<ReserveRequest> = {}): ReserveRequest {
  return {
    target,
    tenant: { id: tenantId("t1"), limits: {} },
    owner: "w1",
    inputTokens: 10,
    outputTokens: 10,
    costUsd: 0,
    leaseMs: 30_000,
    ...changes,
  };
}

/** For tests: the turn of a job with this effective deadline. */
export function testTurn(effectiveDeadlineAt: number): Turn {
  return {
    jobId: idFromUuid("job", "00000000-0000-7000-8000-000000000001"),
    model: "auto",
    effectiveDeadlineAt,
    tenantId: tenantId("t1"),
    weight: 1,
  };
}
