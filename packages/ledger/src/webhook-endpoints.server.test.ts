import { tenantId, type WebhookEndpointId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { ending, lineOf, minute, once, route, success, t0, tenant } from "./testing/setup.ts";
import { hour, setup } from "./testing/webhooks.ts";

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

test("a job that is cancelled says whom to tell: its url and each endpoint that asks for it", async () => {
  const { ledger, endpoint, accepted, newIds, due } = await setup();
  await endpoint({ eventTypes: ["job.succeeded"] });
  const asking = await endpoint({ eventTypes: ["job.cancelled"] });
  const job = await accepted({ webhookUrl: "https://example.com/job" });
  const cancelled = await ledger.cancelJob(tenant, job.id, t0, newIds(), () => 0);
  const told = await Promise.all((cancelled?.deliveryIds ?? []).map((id) => due(id)));
  expect(told.map(({ url }) => url).toSorted()).toEqual([asking.url, "https://example.com/job"].toSorted());
  expect((await ledger.cancelJob(tenant, job.id, t0, newIds(), () => 0))?.deliveryIds).toEqual([]);
});
