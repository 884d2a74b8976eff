import { failureLineBytes } from "@sluice/contracts";
import type { Job, JobId, TenantId } from "@sluice/domain";
import { newEventIds } from "@sluice/engine";
import { announceDeliveries } from "./announce-deliveries.ts";
import type { ApiPorts } from "./api-ports.ts";

type Ports = Pick<ApiPorts, "ledger" | "lanes" | "deliveries" | "clock" | "ids" | "logger">;

/**
 * Cancels a job that has not ended; answers the job as it stands then, `undefined` when the tenant has none such. Its
 * webhooks are announced, and its pointer leaves the lane.
 */
export async function cancelJob(ports: Ports, tenantId: TenantId, jobId: JobId): Promise<Job | undefined> {
  const ids = newEventIds(ports.ids);
  const job = await ports.ledger.cancelJob(tenantId, jobId, ports.clock.now(), ids, failureLineBytes);
  if (job?.state !== "cancelled") return job;
  await ports.lanes.remove(job.model, [jobId]).catch((error: unknown) => {
    ports.logger.debug(
      { jobId, err: error },
      "the pointer of a cancelled job stays in its lane until a worker drops it",
    );
  });
  await announceDeliveries(ports, job.deliveryIds);
  return job;
}
