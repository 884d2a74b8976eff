import { createHash, randomBytes, randomUUID } from "node:crypto";
import { idFromUuid, tenantId } from "@sluice/domain";
import { createLedger } from "@sluice/ledger";
import { type ApiCaller, createApiCaller } from "./api-caller.ts";
import type { TestCluster } from "./cluster.ts";

/** Makes another tenant with a member's key, as an operator's tool would, and answers a caller with it. */
export async function addTenant({ supervised, url }: TestCluster, name: string): Promise<ApiCaller> {
  const ledger = createLedger({ url: supervised.databaseUrl, maxConnections: 1 });
  const key = `sk-${randomBytes(24).toString("base64url")}`;
  const now = Date.now();
  try {
    await ledger.ensureTenant(tenantId(name), now);
    await ledger.ensureKey({
      id: idFromUuid("apiKey", randomUUID()),
      tenantId: tenantId(name),
      role: "member",
      hash: createHash("sha256").update(key).digest(),
      hint: key.slice(-4),
      name: "test",
      now,
    });
  } finally {
    await ledger.close();
  }
  return createApiCaller({ url, key });
}
