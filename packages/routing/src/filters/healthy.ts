import type { ProviderHealth } from "@sluice/domain";
import type { Filter } from "./filter.ts";

/**
 * The provider must pass its health checks, where it has any.
 * Among the last of the hard filters: a candidate that it drops could serve the request later, see `reopensAt`.
 */
export const healthy: Filter = {
  name: "healthy",
  reject({ signals: { health } }) {
    return health === undefined || health.ok ? undefined : `its provider ${inWords(health)}`;
  },
};

function inWords({ passedAt, failures, passes }: ProviderHealth): string {
  if (passedAt === 0) {
    const failed = failures === 0 ? "" : `, ${failures} ${failures === 1 ? "has" : "have"} failed`;
    return `has not passed a health check yet${failed}`;
  }
  if (failures > 0) return `has failed its last ${failures} health checks`;
  return `has passed only ${passes} health ${passes === 1 ? "check" : "checks"} since it failed`;
}
