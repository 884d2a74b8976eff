import {
  type DeliveryAttempt,
  type DeliveryClaim,
  type DeliveryId,
  type DueDelivery,
  idFromUuid,
  type ReceiverEffect,
  tenantId,
} from "@sluice/domain";
import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import {
  createFakeTracer,
  createRecordingLogger,
  createRecordingMetrics,
} from "../../../test/kit/fakes/records.ts";
import { deliver, type SendResult } from "./deliver.ts";
import { createReceiverGate } from "./receiver-gate.ts";

const uuid = "01a1f9bb-75c5-7006-93a4-fd71de43e5c4";

/** One due delivery to a receiver that gives these answers in turn. */
function setup(options: { secrets?: string[]; answers?: SendResult[]; due?: Partial<DueDelivery> } = {}) {
  const { secrets = ["whsec_old"], answers = [] } = options;
  const kept: string[] = [...secrets];
  const sent: Record<string, string>[] = [];
  const attempts: { attempt: DeliveryAttempt; next: { kind: string; at?: number } }[] = [];
  const clock = createFakeClock();
  const event = {
    id: idFromUuid("event", uuid),
    tenantId: tenantId("acme"),
    type: "job.succeeded" as const,
    objectId: idFromUuid("job", uuid),
    createdAt: clock.now(),
  };
  const id = idFromUuid("delivery", uuid);
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const due: DueDelivery = {
    ...{ id, event, url: "https://example.com/", secrets, attempts: 0, traceparent },
    ...{
      receiver: "https://example.com",
      endpointId: undefined,
      payload: "thin",
      test: false,
      receiverFailures: 0,
    },
    ...options.due,
  };
  const called: string[] = [];
  const ports = {
    clock,
    logger: createRecordingLogger(),
    metrics: createRecordingMetrics(),
    tracer: createFakeTracer(),
    random: { next: () => 0.5 },
    ledger: {
      claimDelivery: async (): Promise<DeliveryClaim> => ({ kind: "claimed", due }),
      releaseDelivery: async (_id: DeliveryId): Promise<void> => undefined,
      dueOfReceiver: async (): Promise<DeliveryId[]> => [],
      recordDelivery: async (
        attempt: DeliveryAttempt,
        next: { kind: string; at?: number },
      ): Promise<ReceiverEffect> => {
        attempts.push({ attempt, next });
        return { kind: "none" };
      },
      webhookSecrets: async (_tenant: unknown, create: () => string) => {
        if (kept.length === 0) kept.push(create());
        return kept;
      },
    },
    render: async () => "{}",
    claimLeaseMs: 60_000,
    gate: createReceiverGate({ perReceiver: 1, perTenant: 2 }),
    deliveries: {
      add: async (items: readonly { id: string }[]) => void called.push(...items.map((item) => item.id)),
    },
    newSecret: () => "whsec_new",
    sign: (message: { secrets: readonly string[] }) => message.secrets.join(" "),
    send: async ({ headers }: { headers: Record<string, string> }): Promise<SendResult> => {
      sent.push(headers);
      return answers.shift() ?? { kind: "delivered", status: 204, latencyMs: 1, responseSnippet: "" };
    },
    nextDelayMs: (attempt: number) => (attempt < 2 ? 5_000 : undefined),
  };
  return { ports, id, due, event, called, sent, attempts, signal: new AbortController().signal };
}

describe("a delivery", () => {
  it("is sent under the event's id, signed with every secret the tenant has", async () => {
    const { ports, id, due, event, sent, attempts, signal } = setup({ secrets: ["whsec_new", "whsec_old"] });
    expect(await deliver(ports, id, signal)).toEqual({ kind: "done", reference: id });
    expect(ports.tracer.parents).toEqual([due.traceparent]);
    expect(sent).toEqual([
      expect.objectContaining({
        "webhook-id": event.id,
        "webhook-signature": "whsec_new whsec_old",
        "webhook-timestamp": String(event.createdAt / 1000),
      }),
    ]);
    expect(attempts).toMatchObject([
      { attempt: { number: 1, statusCode: 204 }, next: { kind: "succeeded" } },
    ]);
    expect([...ports.metrics.totals]).toEqual([["sluice_webhook_deliveries_total{result=succeeded}", 1]]);
  });

  it("to a tenant that never asked for its secret makes one, and is signed with it", async () => {
    const { ports, id, sent, signal } = setup({ secrets: [] });
    await deliver(ports, id, signal);
    expect(sent[0]?.["webhook-signature"]).toBe("whsec_new");
  });

  it("that is rejected waits for its next turn", async () => {
    const rejected = { kind: "rejected", status: 500, latencyMs: 1, responseSnippet: "" } as const;
    const { ports, id, attempts, signal } = setup({ answers: [rejected] });
    const at = ports.clock.now() + 5_000;
    expect(await deliver(ports, id, signal)).toEqual({ kind: "later", at });
    expect(attempts).toMatchObject([{ attempt: { statusCode: 500 }, next: { kind: "retry", at } }]);
  });

  it("that we stopped ourselves is not counted, and comes again when its claim has ended", async () => {
    const { ports, id, attempts, signal } = setup({
      answers: [{ kind: "failed", reason: "aborted", latencyMs: 1 }],
    });
    const at = ports.clock.now() + 60_000;
    expect(await deliver(ports, id, signal)).toEqual({ kind: "later", at });
    expect(attempts).toEqual([]);
    expect(ports.metrics.totals.size).toBe(0);
  });

  it("that is not due, or that another process has, is dropped from the queue", async () => {
    const { ports, id, sent, signal } = setup();
    const claim = async (): Promise<DeliveryClaim> => ({ kind: "none" });
    expect(
      await deliver({ ...ports, ledger: { ...ports.ledger, claimDelivery: claim } }, id, signal),
    ).toEqual({
      kind: "done",
      reference: "not due",
    });
    expect(sent).toEqual([]);
  });

  it("is planned by what the receiver answered", async () => {
    const rejected = {
      kind: "rejected",
      status: 503,
      latencyMs: 1,
      responseSnippet: "busy",
      retryAfterMs: 9_000,
    } as const;
    const asked: unknown[] = [];
    for (const answer of [rejected, { kind: "failed", reason: "timeout", latencyMs: 1 } as const]) {
      const { ports, id, attempts, signal } = setup({ answers: [answer] });
      const nextDelayMs = (...what: unknown[]) => {
        asked.push(what);
        return 1_000;
      };
      await deliver({ ...ports, nextDelayMs }, id, signal);
      const kept = answer.kind === "rejected" ? { responseSnippet: "busy" } : { reason: "timeout" };
      expect(attempts[0]?.attempt).toMatchObject({ at: ports.clock.now(), latencyMs: 1, ...kept });
    }
    expect(asked).toEqual([
      [1, 0.5, { status: 503, retryAfterMs: 9_000 }],
      [1, 0.5, {}],
    ]);
  });

  it("is sent again under the same id when its outcome could not be recorded", async () => {
    const { ports, id, sent, signal } = setup();
    const record = async () => Promise.reject(new Error("the ledger is away"));
    await expect(
      deliver({ ...ports, ledger: { ...ports.ledger, recordDelivery: record } }, id, signal),
    ).rejects.toThrow("the ledger is away");
    await deliver(ports, id, signal);
    expect(sent[0]?.["webhook-id"]).toBe(sent[1]?.["webhook-id"]);
  });

  it("is given up after its last turn", async () => {
    const { ports, id, due, attempts, signal } = setup({
      answers: [{ kind: "failed", reason: "connection refused", latencyMs: 1 }],
    });
    ports.ledger.claimDelivery = async () => ({ kind: "claimed", due: { ...due, attempts: 1 } });
    expect(await deliver(ports, id, signal)).toEqual({ kind: "failed", code: "given_up" });
    expect(attempts).toMatchObject([
      { attempt: { number: 2, reason: "connection refused" }, next: { kind: "given_up" } },
    ]);
  });

  it("whose receiver has its share of this process waits in the ledger, and is called when that has room", async () => {
    const { ports, id, due, called, sent, signal } = setup();
    const key = { tenantId: due.event.tenantId, receiver: due.receiver };
    const other = idFromUuid("delivery", uuid.replace("01a1", "01a2"));
    ports.gate.enter(key);
    const released: string[] = [];
    ports.ledger.releaseDelivery = async (given) => void released.push(given);
    expect(await deliver(ports, id, signal)).toEqual({ kind: "done", reference: "not due" });
    expect([released, sent]).toEqual([[id], []]);
    ports.ledger.claimDelivery = async () => ({ kind: "busy", key });
    expect(await deliver(ports, id, signal)).toEqual({ kind: "done", reference: "not due" });
    expect(ports.gate.busy().receivers).toEqual([key]);

    ports.gate.leave(key);
    ports.ledger.claimDelivery = async () => ({ kind: "claimed", due });
    ports.ledger.dueOfReceiver = async () => [other];
    expect(await deliver(ports, id, signal)).toEqual({ kind: "done", reference: id });
    expect(called).toEqual([other]);
    ports.ledger.dueOfReceiver = async () => [];
    await deliver(ports, id, signal);
    await deliver(ports, id, signal);
    expect(called).toEqual([other]);
  });

  it("that brings a failing receiver's first success calls what has waited for it", async () => {
    const { ports, id, called, signal } = setup({ due: { receiverFailures: 7 } });
    const waiting = [idFromUuid("delivery", uuid.replace("01a1", "01a2"))];
    ports.ledger.dueOfReceiver = async () => waiting;
    await deliver(ports, id, signal);
    expect(called).toEqual(waiting);
  });

  it("of a test is tried once, and takes no place", async () => {
    const rejected = { kind: "rejected", status: 500, latencyMs: 1, responseSnippet: "" } as const;
    const { ports, id, due, attempts, signal } = setup({ answers: [rejected], due: { test: true } });
    ports.gate.enter({ tenantId: due.event.tenantId, receiver: due.receiver });
    expect(await deliver(ports, id, signal)).toEqual({ kind: "failed", code: "given_up" });
    expect(attempts).toMatchObject([{ next: { kind: "given_up" } }]);
  });

  it("that disables its endpoint tells the tenant's others at once", async () => {
    const { ports, id, called, signal } = setup({ due: { endpointId: idFromUuid("webhookEndpoint", uuid) } });
    ports.ledger.recordDelivery = async () => ({ kind: "disabled", deliveryIds: ["dlv_1"] });
    await deliver(ports, id, signal);
    expect(called).toEqual(["dlv_1"]);
    expect([...ports.metrics.totals.keys()]).toContain("sluice_webhook_endpoints_disabled_total");
  });
});
