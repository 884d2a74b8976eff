import { type Batch, type BatchSpec, noUsage } from "@sluice/domain";

/** A batch as it is the moment it is created. */
export function freshBatch(spec: BatchSpec): Batch {
  const counts = {
    total: spec.lines ?? 0,
    succeeded: 0,
    failed: 0,
    dead: 0,
    cancelled: 0,
    expired: 0,
    usage: noUsage,
    costUsd: 0,
    outputBytes: 0,
    errorBytes: 0,
  };
  return {
    ...spec,
    status: "validating",
    errors: [],
    counts,
    inProgressAt: undefined,
    finalizingAt: undefined,
    completedAt: undefined,
    failedAt: undefined,
    expiredAt: undefined,
    cancellingAt: undefined,
    cancelledAt: undefined,
  };
}
