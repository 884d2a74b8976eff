import { type DeliveryId, failingReceiverRules, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { minute, t0, tenant } from "./testing/setup.ts";
import { hour, setup } from "./testing/webhooks.ts";

const { firstHoldMs, longestHoldMs, disablesAfterMs } = failingReceiverRules;

describe("a receiver that fails", () => {
  test("is let be after some failures in a row, and one delivery tries it again", async () => {
    const { ledger, endpoint, succeed, claim, send, failUntilHeld } = await setup();
    await endpoint();
    const [early] = await succeed();
    const [other] = await succeed();
    await failUntilHeld(t0 + hour);
    const reopens = t0 + hour + firstHoldMs;
    expect(await claim(early, reopens - 1)).toMatchObject({ kind: "held" });
    expect(await ledger.overdueDeliveries(reopens - 1, 10)).toEqual([]);
    expect(await ledger.overdueDeliveries(reopens, 10)).toEqual([early, other]);
    const claims = await Promise.all([claim(early, reopens), claim(other, reopens)]);
    expect(claims.map(({ kind }) => kind).sort()).toEqual(["claimed", "held"]);
    const tried = claims[0]?.kind === "claimed" ? early : other;
    const attempt = { deliveryId: tried ?? "dlv_", number: 1, at: reopens, latencyMs: 1 } as const;
    const answer = { statusCode: 500, reason: undefined, responseSnippet: "" };
    await ledger.recordDelivery({ ...attempt, ...answer }, { kind: "retry", at: reopens + hour });
    const rest = tried === early ? other : early;
    expect(await claim(rest, reopens + 2 * firstHoldMs - 1)).toMatchObject({ kind: "held" });
    await send(rest, reopens + 2 * firstHoldMs, { kind: "succeeded" }, 204);
    expect(await claim(tried, reopens + hour)).toMatchObject({
      kind: "claimed",
      due: { receiverFailures: 0 },
    });
  });

  test("leaves the others alone, also the same host for another tenant", async () => {
    const { endpoint, succeed, claim, failUntilHeld } = await setup();
    const other = tenantId("other");
    await endpoint({ tenantId: other });
    await endpoint();
    await failUntilHeld(t0 + hour);
    const [theirs] = await succeed({ tenantId: other });
    const [toUrl] = (await succeed({ webhookUrl: "https://example.com/hook" })).filter((id) => id !== theirs);
    expect(await claim(theirs, t0 + hour)).toMatchObject({ kind: "claimed" });
    expect(await claim(toUrl, t0 + hour)).toMatchObject({ kind: "claimed" });
  });

  test("is held back no longer than ten minutes", async () => {
    const { ledger, endpoint, succeed, sql, failUntilHeld, send } = await setup();
    await endpoint();
    await failUntilHeld(t0 + hour);
    await sql`UPDATE failing_receivers SET failures = 40`;
    const [id] = await succeed();
    await send(id, t0 + 2 * hour, { kind: "retry", at: t0 + 9 * hour });
    const [next] = await succeed();
    expect(await ledger.overdueDeliveries(t0 + 2 * hour + longestHoldMs - 1, 10)).toEqual([]);
    expect(await ledger.overdueDeliveries(t0 + 2 * hour + longestHoldMs, 10)).toContain(next);
  });

  test("for days is disabled: what waits is given up, nothing new is made, and other endpoints are told", async () => {
    const { ledger, endpoint, succeed, claim, due, send } = await setup();
    const failing = await endpoint();
    await endpoint({ url: "https://alert.example/", eventTypes: ["webhook_endpoint.disabled"] });
    const [first] = await succeed();
    const [second] = await succeed();
    await send(first, t0 + 2000, { kind: "retry", at: t0 + 3000 });
    const late = t0 + 2000 + disablesAfterMs;
    const effect = await send(first, late, { kind: "retry", at: late + hour });
    const notice = effect.kind === "disabled" ? effect.deliveryIds : [];
    expect(await due(notice[0], late)).toMatchObject({
      url: "https://alert.example/",
      event: { type: "webhook_endpoint.disabled", objectId: failing.id },
    });
    expect(await ledger.findEndpoint(tenant, failing.id)).toMatchObject({
      disabled: { at: late, reason: "failing" },
      failing: { since: t0 + 2000, failures: 2 },
    });
    expect(await claim(second, late)).toEqual({ kind: "none" });
    expect(await succeed()).toEqual([]);
    const enabled = await ledger.updateEndpoint(tenant, failing.id, { enabled: true }, late + 1);
    expect([enabled?.disabled, enabled?.failing]).toEqual([undefined, undefined]);
    expect(await succeed()).toHaveLength(1);
  });

  test("that answers 410 is disabled at once", async () => {
    const { ledger, endpoint, succeed, send } = await setup();
    const { id } = await endpoint({ eventTypes: ["job.succeeded", "webhook_endpoint.disabled"] });
    const [delivery] = await succeed();
    expect(await send(delivery, t0 + 2000, { kind: "given_up" }, 410)).toEqual({
      kind: "disabled",
      deliveryIds: [],
    });
    expect((await ledger.findEndpoint(tenant, id))?.disabled?.reason).toBe("gone");
  });

  test("and is no endpoint loses what is older than the days that an endpoint would have", async () => {
    const { ledger, succeed, send, findState } = await withStates();
    const [first, second] = [(await succeed(job))[0], (await succeed(job))[0]];
    await send(first, t0 + 2000, { kind: "retry", at: t0 + 3000 });
    const late = t0 + 3000 + disablesAfterMs;
    await send(first, late, { kind: "retry", at: late + hour });
    expect([await findState(first), await findState(second)]).toEqual(["given_up", "given_up"]);
    expect(await ledger.overdueDeliveries(late + hour, 10)).toEqual([]);
  });
  const job = { webhookUrl: "https://gone.example/" };

  async function withStates() {
    const s = await setup();
    const findState = async (id: DeliveryId | undefined) =>
      (await s.ledger.findDelivery(tenant, id ?? "dlv_"))?.state;
    return { ...s, findState };
  }
});

describe("claims", () => {
  test("leave busy receivers and tenants alone", async () => {
    const { ledger, endpoint, succeed } = await setup();
    const { id } = await endpoint();
    const [delivery] = await succeed();
    const key = { tenantId: tenant, receiver: id.slice(3) };
    const ask = (busy: Parameters<typeof ledger.claimDelivery>[3]) =>
      ledger.claimDelivery(delivery ?? "dlv_", t0 + 2000, minute, busy);
    expect(await ask({ receivers: [key], tenants: [] })).toEqual({ kind: "busy", key });
    expect(await ask({ receivers: [], tenants: [tenant] })).toEqual({ kind: "busy", key });
    expect(await ledger.dueOfReceiver(key, t0 + 2000, 9)).toEqual([delivery]);
    expect(await ask({ receivers: [{ ...key, tenantId: tenantId("other") }], tenants: [] })).toMatchObject({
      kind: "claimed",
    });
    expect(await ledger.dueOfReceiver(key, t0 + 2000, 9)).toEqual([]);
    await ledger.releaseDelivery(delivery ?? "dlv_");
    expect(await ledger.dueOfReceiver(key, t0 + 2000, 9)).toEqual([delivery]);
  });

  test("a long backlog of one receiver does not hide what others wait for", async () => {
    const { ledger, endpoint, succeed } = await setup();
    await endpoint();
    for (let count = 0; count < 20; count += 1) await succeed();
    const ids = await succeed({ webhookUrl: "https://other.example/" });
    const overdue = await ledger.overdueDeliveries(t0 + hour, 500);
    expect(overdue).toHaveLength(17);
    expect(overdue).toEqual(expect.arrayContaining([ids[0]]));
  });
});
