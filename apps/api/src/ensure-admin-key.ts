import { idFromUuid, tenantId } from "@sluice/domain";
import type { Runtime } from "@sluice/role";
import { hashKey } from "./authenticate.ts";

/** Makes the operator's key before the first request can ask for it. One that was ended over the API stays ended. */
export async function ensureAdminKey({ environment, ledger, ids, clock, logger }: Runtime): Promise<void> {
  const key = environment.adminKey;
  if (key === undefined) return;
  const tenant = tenantId("default");
  const hash = hashKey(key);
  const now = clock.now();
  await ledger.ensureTenant(tenant, now);
  await ledger.ensureKey({
    id: idFromUuid("apiKey", ids.uuid()),
    tenantId: tenant,
    role: "admin",
    hash,
    hint: key.slice(-4),
    name: "operator",
    now,
  });
  const owner = await ledger.findKey(hash);
  const hasEnded = owner?.isRevoked === true || (owner?.validUntil ?? Infinity) <= now;
  if (hasEnded)
    logger.warn({ keyId: owner?.keyId }, "SLUICE_ADMIN_KEY was revoked or rotated: it opens nothing");
}
