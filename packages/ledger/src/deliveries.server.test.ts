import { describe, expect, test } from "vitest";
import { minute, type Setup, setup, success, t0, tenant } from "./testing/setup.ts";

/** No receiver has its share used up. */
const free = { receivers: [], tenants: [] };

async function withDelivery(s: Setup) {
  const running = await s.started({ webhookUrl: "https://example.com/hook" });
  const ids = s.newIds();
  await s.ledger.settle([success(running, ids)]);
  return { ...ids, job: running.job, dueAt: t0 + 2000 };
}

function attempt(deliveryId: `dlv_${string}`, number: number) {
  const answer = { statusCode: 503, reason: undefined, responseSnippet: "no\0pe" };
  return { deliveryId, number, at: t0 + 3000, latencyMs: 12.5, ...answer };
}

describe("deliveries", () => {
  test("are claimed by one process, with all that sending needs", async () => {
    const s = await setup();
    const other = s.open();
    const { deliveryId, eventId, job, dueAt } = await withDelivery(s);
    await s.ledger.webhookSecrets(tenant, () => "whsec_one", t0);
    expect(await s.ledger.claimDelivery(deliveryId, dueAt - 1, minute, free)).toEqual({ kind: "none" });
    const claims = await Promise.all(
      [s.ledger, other].map((each) => each.claimDelivery(deliveryId, dueAt, minute, free)),
    );
    expect(claims.flatMap((claim) => (claim.kind === "claimed" ? [claim.due] : []))).toEqual([
      {
        id: deliveryId,
        event: { id: eventId, tenantId: tenant, type: "job.succeeded", objectId: job.id, createdAt: dueAt },
        receiver: "https://example.com",
        url: "https://example.com/hook",
        payload: "thin",
        test: false,
        receiverFailures: 0,
        secrets: ["whsec_one"],
        attempts: 0,
      },
    ]);
    expect(await s.ledger.overdueDeliveries(dueAt, 10)).toEqual([]);
  });

  test("come back when the process that claimed them has gone", async () => {
    const s = await setup();
    const { deliveryId, dueAt } = await withDelivery(s);
    await s.ledger.claimDelivery(deliveryId, dueAt, 0, free);
    expect(await s.ledger.overdueDeliveries(dueAt, 10)).toEqual([deliveryId]);
    expect(await s.ledger.claimDelivery(deliveryId, dueAt, minute, free)).toMatchObject({
      due: { attempts: 0 },
    });
  });

  test("are tried again at the given time, and never after they have ended", async () => {
    const s = await setup();
    const { deliveryId, dueAt } = await withDelivery(s);
    await s.ledger.claimDelivery(deliveryId, dueAt, minute, free);
    await s.ledger.recordDelivery(attempt(deliveryId, 1), { kind: "retry", at: dueAt + 5000 });
    expect(await s.ledger.overdueDeliveries(dueAt + 4999, 10)).toEqual([]);
    expect(await s.ledger.overdueDeliveries(dueAt + 5000, 10)).toEqual([deliveryId]);
    expect(await s.ledger.claimDelivery(deliveryId, dueAt + 5000, minute, free)).toMatchObject({
      due: { attempts: 1 },
    });
    await s.ledger.recordDelivery(attempt(deliveryId, 2), { kind: "given_up" });
    expect(await s.ledger.claimDelivery(deliveryId, dueAt + minute, minute, free)).toEqual({ kind: "none" });
    expect(await s.ledger.overdueDeliveries(dueAt + minute, 10)).toEqual([]);
    const log =
      await s.sql`SELECT number, status_code, response_snippet FROM delivery_attempts ORDER BY number`;
    const answer = { statusCode: 503, responseSnippet: "no\uFFFDpe" };
    expect(log).toMatchObject([
      { number: 1, ...answer },
      { number: 2, ...answer },
    ]);
  });

  test("a process that was overtaken changes nothing, except by a success", async () => {
    const s = await setup();
    const { deliveryId, dueAt } = await withDelivery(s);
    await s.ledger.recordDelivery(attempt(deliveryId, 1), { kind: "retry", at: dueAt });
    await s.ledger.recordDelivery(attempt(deliveryId, 2), { kind: "retry", at: dueAt });
    await s.ledger.recordDelivery(attempt(deliveryId, 1), { kind: "given_up" });
    expect(await s.ledger.overdueDeliveries(dueAt, 10)).toEqual([deliveryId]);
    await s.ledger.recordDelivery(attempt(deliveryId, 2), { kind: "succeeded" });
    expect(await s.ledger.overdueDeliveries(dueAt + minute, 10)).toEqual([]);
  });
});

describe("tenants", () => {
  test("keys are found by their hash and made once", async () => {
    const { ledger } = await setup();
    const hash = Buffer.from("aa".repeat(32), "hex");
    const key = {
      id: "key_1",
      tenantId: tenant,
      role: "admin",
      hash,
      hint: "abcd",
      name: "first",
      now: t0,
    } as const;
    await ledger.ensureTenant(tenant, t0);
    await ledger.ensureTenant(tenant, t0);
    await ledger.ensureKey(key);
    await ledger.ensureKey({ ...key, id: "key_2", role: "member" });
    expect(await ledger.findKey(hash)).toMatchObject({ keyId: "key_1", tenantId: tenant, role: "admin" });
    expect(await ledger.findKey(Buffer.alloc(32))).toBeUndefined();
  });

  test("a webhook secret is made on first use, the same for all that ask at once", async () => {
    const { ledger, open } = await setup();
    const ledgers = [ledger, open(), open()];
    const answers = await Promise.all(
      ledgers.map((each, index) => each.webhookSecrets(tenant, () => `whsec_${index}`, t0)),
    );
    expect(new Set(answers.map((secrets) => secrets.join())).size).toBe(1);
    expect(answers[0]).toHaveLength(1);
  });
});

describe("files", () => {
  test("keep every field and page by id", async () => {
    const { ledger, source } = await setup();
    const file = (purpose: string) => ({
      id: `file-${source.uuid()}` as const,
      tenantId: tenant,
      filename: 'odd "name".jsonl',
      purpose,
      bytes: 5_000_000_000,
      createdAt: t0,
      expiresAt: t0 + minute,
      content: { kind: "stored", key: "sha256/ef" } as const,
    });
    const [a, b, c] = [file("batch"), file("batch"), file("user_data")];
    await ledger.claimContent("sha256/ef", t0 + minute);
    for (const each of [a, b, c]) await ledger.createFile(each);
    expect(await ledger.findFile(tenant, a.id)).toEqual(a);
    expect(await ledger.findFile("other" as typeof tenant, a.id)).toBeUndefined();
    const list = async (filter: object, page: object) =>
      (await ledger.listFiles(tenant, filter, { limit: 10, order: "asc", ...page })).map(({ id }) => id);
    expect(await list({}, {})).toEqual([a.id, b.id, c.id]);
    expect(await list({ purpose: "batch" }, {})).toEqual([a.id, b.id]);
    expect(await list({}, { after: b.id })).toEqual([c.id]);
    expect(await list({}, { after: b.id, order: "desc" })).toEqual([a.id]);
  });
});
