import {
  type DeliveryId,
  type DeliveryStep,
  type EndpointFields,
  failingReceiverRules,
  idFromUuid,
  tenantId,
  type WebhookEndpointId,
} from "@sluice/domain";
import { describe, expect, test } from "vitest";
import {
  ending,
  lineOf,
  minute,
  once,
  route,
  setup as setupLedger,
  success,
  t0,
  tenant,
} from "./testing/setup.ts";

const free = { receivers: [], tenants: [] };
const hour = 60 * minute;
const { opensAfter, firstHoldMs, longestHoldMs, disablesAfterMs } = failingReceiverRules;

async function setup() {
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
    for (let failures = 0; failures < opensAfter; failures += 1) {
      const [id] = await succeed();
      await send(id, at, { kind: "retry", at: at + hour });
    }
  }
  return { ...s, newDelivery, endpoint, succeed, claim, due, send, failUntilHeld };
}

describe("events", () => {
  test("go to the url of the job and to each endpoint that asks for them, in the outcome's statement", async () => {
    const { ledger, endpoint, succeed, due } = await setup();
    await ledger.webhookSecrets(tenant, () => "whsec_tenant", t0);
    const asking = await endpoint({ url: "https://a.example/" });
    await endpoint({ eventTypes: ["job.failed"] });
    await endpoint({ tenantId: tenantId("other") });
    const ids = await succeed({ webhookUrl: "https://b.example/x?y", webhookPayload: "full" });
    const told = await Promise.all(ids.map((id) => due(id)));
    expect(new Set(told.map(({ event }) => event.id)).size).toBe(1);
    expect(told).toMatchObject([
      {
        url: "https://b.example/x?y",
        receiver: "https://b.example",
        payload: "full",
        secrets: ["whsec_tenant"],
      },
      {
        url: "https://a.example/",
        receiver: asking.id.slice(3),
        endpointId: asking.id,
        payload: "thin",
        secrets: [`whsec_${asking.id}`],
      },
    ]);
  });

  test("that nobody asks for are not kept", async () => {
    const { sql, endpoint, started, ledger, newIds } = await setup();
    await endpoint();
    const result = await ledger.settle([ending(await started(), "failed", newIds())]);
    expect(result).toEqual([{ kind: "recorded", deliveryIds: [] }]);
    expect(await sql`SELECT id FROM events`).toHaveLength(0);
  });

  test.each([true, false])(
    "of a batch's lines go to endpoints only if the batch asks for it: %s",
    async (asked) => {
      const s = await setup();
      await s.endpoint();
      const batch = s.batch({ webhookJobs: asked });
      await s.ledger.createBatch(batch);
      await s.ledger.claimValidation(batch.id, "validator", minute);
      const line = s.spec({ batchLine: lineOf(batch, 1) });
      await s.ledger.insertLines(batch.id, "validator", once([line]), () => t0);
      const workerId = await s.register();
      const [start] = await s.ledger.startAttempts([
        { jobId: line.id, fromEpoch: 0, workerId, targetId: "a", startedAt: t0, route },
      ]);
      const epoch = start?.kind === "started" ? start.epoch : 0;
      const [result] = await s.ledger.settle([success({ job: line, workerId, epoch }, s.newIds())]);
      expect(result?.kind === "recorded" && result.deliveryIds.length).toBe(asked ? 1 : 0);
    },
  );

  test("of batches go to endpoints too", async () => {
    const s = await setup();
    await s.endpoint({ eventTypes: ["batch.failed", "batch.completed"] });
    const failed = s.batch();
    await s.ledger.createBatch(failed);
    const [id] = await s.ledger.failBatch(failed.id, [], 0, t0 + 2000, s.newIds());
    expect((await s.due(id)).event).toMatchObject({ type: "batch.failed", objectId: failed.id });
    const { batch, lines } = await s.runningBatch(1);
    await s.ledger.cancelBatch(tenant, batch.id, t0, s.newIds, () => 1);
    await s.endpoint({ eventTypes: ["batch.cancelled"] });
    expect(lines).toHaveLength(1);
    const ended = await s.ledger.finaliseBatches(await s.leaderEpoch(), t0 + 2000, s.newIds, () => 1);
    expect((await s.due(ended[0]?.deliveryIds[0])).event).toMatchObject({
      type: "batch.cancelled",
      objectId: batch.id,
    });
  });
});

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

describe("endpoints", () => {
  test("belong to their tenant, page by id, and are bounded in number", async () => {
    const { ledger, endpoint } = await setup();
    const made = [
      await endpoint({ name: "a" }),
      await endpoint({ name: "b" }),
      await endpoint({ name: "c" }),
    ];
    await expect(endpoint()).rejects.toThrow("not made");
    const list = (after?: WebhookEndpointId) =>
      ledger.listEndpoints(tenant, { after, limit: 2, order: "asc" });
    expect([await list(), await list(made[1]?.id)]).toEqual([made.slice(0, 2), made.slice(2)]);
    const other = tenantId("other");
    const id = made[0]?.id ?? "we_";
    expect(await ledger.findEndpoint(other, id)).toBeUndefined();
    expect(await ledger.updateEndpoint(other, id, { name: "x" }, t0)).toBeUndefined();
    expect(await ledger.deleteEndpoint(other, id)).toBe(false);
    expect(
      await ledger.rotateEndpointSecret(other, id, { secret: "s", now: t0, oldUntil: t0 }),
    ).toBeUndefined();
    expect(await ledger.listEndpoints(other, { limit: 9, order: "asc" })).toEqual([]);
    expect(await ledger.deleteEndpoint(tenant, id)).toBe(true);
    expect(await ledger.findEndpoint(tenant, id)).toBeUndefined();
  });

  test("change, and what waits for them goes to the new url", async () => {
    const { ledger, endpoint, succeed, due } = await setup();
    const made = await endpoint();
    const [id] = await succeed();
    const changes = { url: "https://new.example/", payload: "full" } as const;
    const changed = await ledger.updateEndpoint(tenant, made.id, changes, t0 + 5);
    expect(changed).toEqual({ ...made, ...changes, updatedAt: t0 + 5 });
    expect(await due(id)).toMatchObject(changes);
  });

  test("that are deleted or disabled get nothing more", async () => {
    const { ledger, endpoint, succeed, claim } = await setup();
    const [one, two] = [await endpoint(), await endpoint()];
    const ids = await succeed();
    await ledger.deleteEndpoint(tenant, one.id);
    await ledger.updateEndpoint(tenant, two.id, { enabled: false }, t0 + 5);
    expect(await Promise.all(ids.map((id) => claim(id)))).toEqual([{ kind: "none" }, { kind: "none" }]);
    expect(await succeed()).toEqual([]);
    const states = (await ledger.listDeliveries(tenant, {}, { limit: 9, order: "asc" })).map(
      ({ state }) => state,
    );
    expect(states).toEqual(["given_up", "given_up"]);
    expect((await ledger.findEndpoint(tenant, two.id))?.disabled).toEqual({ at: t0 + 5, reason: "asked" });
  });

  test("sign with the old secret too as long as a rotation says, and with five at most", async () => {
    const { ledger, endpoint, succeed, due } = await setup();
    const { id } = await endpoint();
    const [delivery] = await succeed();
    const rotate = (secret: string, oldUntil: number) =>
      ledger.rotateEndpointSecret(tenant, id, { secret, now: t0 + 1, oldUntil });
    expect(await rotate("whsec_new2", t0 + hour)).toMatchObject({ secretHint: "new2", updatedAt: t0 + 1 });
    expect((await due(delivery, t0 + 2000)).secrets).toEqual(["whsec_new2", `whsec_${id}`]);
    await ledger.releaseDelivery(delivery ?? "dlv_");
    expect((await due(delivery, t0 + hour)).secrets).toEqual(["whsec_new2"]);
    await ledger.releaseDelivery(delivery ?? "dlv_");
    for (const secret of ["3", "4", "5"]) await rotate(secret, t0 + hour);
    expect(await rotate("6", t0 + hour)).toBe("refused");
    await rotate("7", t0 + 1);
    expect((await due(delivery, t0 + 2000)).secrets).toEqual(["7"]);
  });

  test("a tenant's own secret rotates the same way", async () => {
    const { ledger } = await setup();
    await ledger.webhookSecrets(tenant, () => "whsec_1", t0);
    await Promise.all(
      ["a", "b"].map((secret) =>
        ledger.rotateWebhookSecret(tenant, { secret, now: t0, oldUntil: t0 + hour }),
      ),
    );
    expect(await ledger.webhookSecrets(tenant, () => "x", t0 + 1)).toHaveLength(3);
    await ledger.rotateWebhookSecret(tenant, { secret: "c", now: t0, oldUntil: t0 });
    expect(await ledger.webhookSecrets(tenant, () => "x", t0 + 1)).toEqual(["c"]);
    expect(await ledger.webhookSecrets(tenantId("other"), () => "theirs", t0)).toEqual(["theirs"]);
  });
});

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
