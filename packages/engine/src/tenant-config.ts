import type { EngineConfig, TenantConfig, TenantId } from "@sluice/domain";
import { lookUp } from "./look-up.ts";

const unlimitedTenant: TenantConfig = { weight: 1, limits: {}, maxPriority: 9 };

/** The tenant's settings, or the default tenant's, or none. */
export function tenantConfig(config: EngineConfig, tenant: TenantId): TenantConfig {
  return lookUp(config.tenants, tenant) ?? config.tenants.default ?? unlimitedTenant;
}
