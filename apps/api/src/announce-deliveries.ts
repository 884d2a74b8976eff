import type { DeliveryId } from "@sluice/domain";
import type { ApiPorts } from "./api-ports.ts";

/** Has deliveries sent at once. The dispatcher finds, within seconds, what the queue was not told of. */
export async function announceDeliveries(
  { deliveries }: Pick<ApiPorts, "deliveries">,
  ids: readonly DeliveryId[],
): Promise<void> {
  if (ids.length > 0) await deliveries.add(ids.map((id) => ({ id }))).catch(() => undefined);
}
