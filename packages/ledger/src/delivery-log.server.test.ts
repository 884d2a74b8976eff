import { failingReceiverRules, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { t0, tenant } from "./testing/setup.ts";
import { hour, setup } from "./testing/webhooks.ts";

const { opensAfter } = failingReceiverRules;

describe("the log of deliveries", () => {
  test("has each attempt with status, latency and answer, and belongs to the tenant", async () => {
    const { ledger, endpoint, succeed, send } = await setup();
    const { id: endpointId } = await endpoint();
    const [id = "dlv_"] = await succeed();
    await send(id, t0 + 2000, { kind: "retry", at: t0 + hour });
    const pending = await ledger.findDelivery(tenant, id);
    expect(pending).toMatchObject({
      id,
      endpointId,
      state: "pending",
      nextAttemptAt: t0 + hour,
      test: false,
    });
    expect(pending?.attempts).toEqual([
      { deliveryId: id, number: 1, at: t0 + 2000, latencyMs: 12, statusCode: 503, responseSnippet: "sorry" },
    ]);
    await succeed({ webhookUrl: "https://b.example/" });
    const list = async (filter: Parameters<typeof ledger.listDeliveries>[1], of = tenant) =>
      (await ledger.listDeliveries(of, filter, { limit: 9, order: "desc" })).length;
    expect(await list({})).toBe(3);
    expect(await list({ endpointId })).toBe(2);
    expect(await list({ endpointId, state: "succeeded" })).toBe(0);
    expect(await list({}, tenantId("other"))).toBe(0);
    expect(await ledger.findDelivery(tenantId("other"), id)).toBeUndefined();
  });

  test("a delivery is sent again: one that waits becomes due, of one that ended a new one is made", async () => {
    const { ledger, endpoint, succeed, send, due, newDelivery } = await setup();
    const { id: endpointId } = await endpoint();
    const [id = "dlv_"] = await succeed();
    await send(id, t0 + 2000, { kind: "retry", at: t0 + hour });
    expect(await ledger.redeliver(tenant, id, newDelivery(), t0 + 3000)).toBe(id);
    await send(id, t0 + 3000, { kind: "succeeded" }, 200);
    const again = newDelivery();
    expect(await ledger.redeliver(tenantId("other"), id, again, t0 + 4000)).toBeUndefined();
    expect(await ledger.redeliver(tenant, id, again, t0 + 4000)).toBe(again);
    const event = (await ledger.findDelivery(tenant, id))?.event;
    expect(await due(again, t0 + 4000)).toMatchObject({ event, endpointId, attempts: 0 });
    await ledger.updateEndpoint(tenant, endpointId, { enabled: false }, t0 + 5000);
    expect(await ledger.redeliver(tenant, id, newDelivery(), t0 + 6000)).toBe("refused");
  });

  test("a replay brings each event since then that the endpoint asks for, once", async () => {
    const { ledger, endpoint, succeed, due, newIds, source } = await setup();
    await endpoint({ url: "https://a.example/", eventTypes: ["job.succeeded"] });
    await succeed();
    await succeed();
    const late = await endpoint();
    const test = { ...newIds(), type: "job.succeeded", objectUuid: source.uuid(), now: t0 + 2000 } as const;
    await ledger.createTestDelivery(tenant, late.id, test);
    const replay = (since: number) => ledger.replayEvents(tenant, late.id, since, t0 + hour);
    expect(await replay(t0 + 2001)).toEqual({ count: 0, first: [] });
    const { count, first } = await replay(t0 + 2000);
    expect([count, first.length]).toEqual([2, 2]);
    const told = await Promise.all(first.map((id) => due(id, t0 + hour)));
    expect(told.map(({ endpointId }) => endpointId)).toEqual([late.id, late.id]);
    expect(await replay(t0 + 2000)).toEqual({ count: 0, first: [] });
  });

  test("a test is sent whatever state the endpoint is in, counts nothing against it, and heals it", async () => {
    const { ledger, endpoint, failUntilHeld, send, newIds, source } = await setup();
    const { id } = await endpoint();
    await failUntilHeld(t0 + hour);
    const create = async (of = tenant) => {
      const ids = newIds();
      const event = { ...ids, type: "batch.completed", objectUuid: source.uuid(), now: t0 + hour } as const;
      return { made: await ledger.createTestDelivery(of, id, event), id: ids.deliveryId };
    };
    expect((await create(tenantId("other"))).made).toBe(false);
    const bad = await create();
    await send(bad.id, t0 + hour, { kind: "given_up" });
    expect((await ledger.findEndpoint(tenant, id))?.failing?.failures).toBe(opensAfter);
    await ledger.updateEndpoint(tenant, id, { enabled: false }, t0 + hour);
    const good = await create();
    await send(good.id, t0 + hour, { kind: "succeeded" }, 200);
    expect((await ledger.findEndpoint(tenant, id))?.failing).toBeUndefined();
    expect(await ledger.findDelivery(tenant, good.id)).toMatchObject({ test: true, state: "succeeded" });
  });
});
