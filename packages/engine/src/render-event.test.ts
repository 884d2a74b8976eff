import { type Batch, idFromUuid, type Job, tenantId, type WebhookEvent } from "@sluice/domain";
import { expect, test } from "vitest";
import { renderEvent } from "./render-event.ts";

const uuid = "01a1f9bb-75c5-7006-93a4-fd71de43e5c4";

function setup(
  type: WebhookEvent["type"],
  found: { job?: Partial<Job>; response?: Partial<Job>; batch?: Partial<Batch> } = {},
) {
  const objectId = idFromUuid(type.startsWith("batch") ? "batch" : "job", uuid);
  const event = { id: idFromUuid("event", uuid), tenantId: tenantId("acme"), type, objectId, createdAt: 0 };
  const ports = {
    ledger: {
      findJob: async () => found.job as Job | undefined,
      findResponse: async () => found.response as Job | undefined,
      findBatch: async () => found.batch as Batch | undefined,
    },
    renderJob: (_job: Job, body: Buffer | undefined) => `job with ${body}`,
    renderResponse: (_job: Job, request: Buffer, body: Buffer | undefined) => `${request} and ${body}`,
    renderBatch: () => "batch",
    renderWebhook: (_event: WebhookEvent, object?: string) => object ?? "thin",
  };
  return { full: () => renderEvent(ports, event, "full"), thin: () => renderEvent(ports, event, "thin") };
}

const result = (body: unknown) => ({ result: { body } }) as Partial<Job>;

test("a full event has the job with its result, or the batch", async () => {
  const job = setup("job.succeeded", { job: result({ kind: "inline", bytes: Buffer.from("bytes") }) });
  expect([await job.full(), await job.thin()]).toEqual(["job with bytes", "thin"]);
  expect(await setup("job.dead", { job: {} }).full()).toBe("job with undefined");
  expect(await setup("batch.completed", { batch: {} }).full()).toBe('"batch"');
});

test("a full event of a response has it as it is read, from its request and its result", async () => {
  const inline = (text: string) => ({ kind: "inline" as const, bytes: Buffer.from(text) });
  const response = { body: inline("request"), ...result(inline("bytes")) };
  expect(await setup("response.completed", { response }).full()).toBe("request and bytes");
  expect(await setup("response.cancelled", { response: { body: inline("request") } }).full()).toBe(
    "request and undefined",
  );
  const long = { body: { kind: "stored" as const, key: "k", size: 70_000 } };
  expect(await setup("response.failed", { response: long }).full()).toBe("too-long");
});

test("a result in the file store is too long for a webhook", async () => {
  expect(
    await setup("job.succeeded", { job: result({ kind: "stored", key: "k", size: 70_000 }) }).full(),
  ).toBe("too-long");
});

test("what is gone, was only a test, or has no more to tell, is told thin", async () => {
  expect(await setup("job.succeeded").full()).toBe("thin");
  expect(await setup("batch.failed").full()).toBe("thin");
  expect(await setup("response.completed").full()).toBe("thin");
  expect(await setup("webhook_endpoint.disabled").full()).toBe("thin");
});
