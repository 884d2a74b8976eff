import {
  type DeliveryId,
  type DeliveryStep,
  type EndpointFields,
  failingReceiverRules,
  idFromUuid,
} from "@sluice/domain";
import { minute, setup as setupLedger, success, t0, tenant } from "./setup.ts";

const free = { receivers: [], tenants: [] };
/** In milliseconds. */
export const hour = 60 * minute;

/** A ledger with webhook endpoints, and jobs whose ends are told to them. */
export async function setup() {
  const s = await setupLedger();
  const { ledger } = s;
  const newDelivery = (): DeliveryId => idFromUuid("delivery", s.source.uuid());

  async function endpoint(changes: Partial<EndpointFields> & { tenantId?: typeof tenant } = {}) {
    const id = idFromUuid("webhookEndpoint", s.source.uuid());
    const fields = {
      name: "",
      url: "https://example.com/hook",
      eventTypes: ["job.succeeded"],
      payload: "thin",
    };
    const made = await ledger.createEndpoint(
      { id, tenantId: tenant, ...(fields as EndpointFields), ...changes },
      { secret: `whsec_${id}`, now: t0, most: 3 },
    );
    if (made === undefined) throw new Error("not made");
    return made;
  }
  /** A job that succeeds at `t0 + 2000`, and the deliveries of its event. */
  async function succeed(job: Parameters<typeof s.started>[0] = {}) {
    const [result] = await ledger.settle([success(await s.started(job), s.newIds())]);
    return result?.kind === "recorded" ? result.deliveryIds : [];
  }
  async function claim(id: DeliveryId | undefined, now = t0 + 2000) {
    return ledger.claimDelivery(id ?? "dlv_", now, minute, free);
  }
  async function due(id: DeliveryId | undefined, now = t0 + 2000) {
    const claimed = await claim(id, now);
    if (claimed.kind !== "claimed") throw new Error(`it is ${claimed.kind}`);
    return claimed.due;
  }
  /** Sends a delivery that is due, and records how it ended. */
  async function send(id: DeliveryId | undefined, at: number, next: DeliveryStep, statusCode = 503) {
    const { attempts } = await due(id, at);
    const answer = { statusCode, reason: undefined, responseSnippet: "sorry" };
    const attempt = { deliveryId: id ?? "dlv_", number: attempts + 1, at, latencyMs: 12, ...answer } as const;
    return ledger.recordDelivery(attempt, next);
  }
  /** Lets new deliveries fail, one after the other, until the receiver is let be. */
  async function failUntilHeld(at: number) {
    for (let failures = 0; failures < failingReceiverRules.opensAfter; failures += 1) {
      const [id] = await succeed();
      await send(id, at, { kind: "retry", at: at + hour });
    }
  }
  return { ...s, newDelivery, endpoint, succeed, claim, due, send, failUntilHeld };
}
