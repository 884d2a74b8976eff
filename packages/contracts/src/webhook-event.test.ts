import { idFromUuid, tenantId, type WebhookEvent } from "@sluice/domain";
import { expect, test } from "vitest";
import { renderWebhook, webhookBodyBytes } from "./webhook-event.ts";

const uuid = "01a1f9bb-75c5-7006-93a4-fd71de43e5c4";
const event: WebhookEvent = {
  id: idFromUuid("event", uuid),
  tenantId: tenantId("acme"),
  type: "job.succeeded",
  objectId: idFromUuid("job", uuid),
  createdAt: 1_795_000_000_999,
};
const thin = { id: event.objectId, status: "succeeded" };

test("a thin webhook names its object, as OpenAI's do", () => {
  expect(JSON.parse(renderWebhook(event))).toEqual({
    id: event.id,
    object: "event",
    created_at: 1_795_000_000,
    type: "job.succeeded",
    data: thin,
  });
});

test("a full one has the object's bytes as they are", () => {
  const object = '{"id":"job_1","n":12345678901234567890,"n":1.0}';
  expect(renderWebhook(event, object)).toMatch(
    /"data":\{"id":"job_1","n":12345678901234567890,"n":1\.0\}\}$/,
  );
});

test("a full one is never longer than 64 KiB: what would be is thin and says so", () => {
  const longest = (fill: string) => renderWebhook(event, `"${fill}"`);
  const room = webhookBodyBytes - Buffer.byteLength(longest(""));
  expect(Buffer.byteLength(longest("é".repeat(room / 2)))).toBeLessThanOrEqual(webhookBodyBytes);
  for (const body of [longest("é".repeat(room / 2 + 1)), renderWebhook(event, "too-long")])
    expect(JSON.parse(body).data).toEqual({ ...thin, truncated: true });
});
