import { expect, test } from "vitest";
import { until } from "./kit/until.ts";
import { eventOf, webhookCluster } from "./kit/webhook-cluster.ts";

const { cluster, receiver, endpoint, jobs, arrived } = webhookCluster();

test("a receiver that never answers delays nobody else's webhooks", async () => {
  const silent = await receiver(() => "never");
  const dead = await receiver();
  dead.close();
  const brisk = await receiver();
  await endpoint(silent, ["job.succeeded"]);
  await endpoint(dead, ["job.succeeded"]);
  const fine = await endpoint(brisk, ["job.succeeded"]);
  const ids = await jobs(400);
  await arrived(brisk, 400);
  expect(new Set(brisk.received.map((webhook) => eventOf(webhook).data.id))).toEqual(new Set(ids));
  // Its share of the one delivery process: nothing that it was sent has timed out yet.
  expect(silent.received).toHaveLength(8);
  const page = (await cluster().api.get(`/v1/webhook_endpoints/${fine.id}/deliveries?limit=100`)).body;
  expect(page.has_more).toBe(true);
  for (const delivery of page.data) expect(delivery).toMatchObject({ status: "succeeded", status_code: 204 });
});

test("a full payload has the job as its owner reads it", async () => {
  const { api } = cluster();
  const to = await receiver();
  await endpoint(to, ["job.succeeded", "batch.completed"], { webhook_payload: "full" });
  const [id] = await jobs(1);
  const [webhook] = await arrived(to, 1);
  const event = JSON.parse(webhook?.body ?? "");
  expect(event).toMatchObject({ object: "event", type: "job.succeeded" });
  expect(event.data).toEqual((await api.get(`/v1/jobs/${id}`)).body);
  expect(event.data.result.body.choices).toHaveLength(1);
  const byUrl = await receiver();
  await jobs(1, { webhook_url: byUrl.url, webhook_payload: "full" });
  const [told] = await arrived(byUrl, 1);
  expect(JSON.parse(told?.body ?? "").data.result.body.choices).toHaveLength(1);
});

test("a delivery has its log, is sent again under the same event, and events since a time are replayed", async () => {
  const { api } = cluster();
  const since = new Date(Date.now() - 1000).toISOString();
  const to = await receiver((_webhook, index) => (index === 0 ? 503 : 204));
  const made = await endpoint(to, ["job.succeeded"]);
  await jobs(1);
  await arrived(to, 2);
  const log = async () => (await api.get(`/v1/webhook_endpoints/${made.id}/deliveries`)).body.data;
  const [delivery] = await until("the second attempt is written down", async () => {
    const all = await log();
    return all[0]?.status === "succeeded" ? all : undefined;
  });
  expect(delivery).toMatchObject({
    object: "webhook_delivery",
    status_code: 204,
    event_type: "job.succeeded",
  });
  expect(delivery.attempts).toMatchObject([
    { number: 1, status_code: 503, response: "answer 503" },
    { number: 2, status_code: 204 },
  ]);
  const again = await api.post(`/v1/webhook_deliveries/${delivery.id}/redeliver`);
  expect(again.body).toMatchObject({ object: "webhook_delivery", event_id: delivery.event_id });
  expect(again.body.id).not.toBe(delivery.id);
  const [, , third] = await arrived(to, 3);
  expect(third?.headers["webhook-id"]).toBe(delivery.event_id);

  const late = await receiver();
  const other = await endpoint(late, ["job.succeeded"]);
  const replayed = await api.post(`/v1/webhook_endpoints/${other.id}/replay`, { since });
  expect(replayed.body).toMatchObject({ object: "webhook_endpoint.replay", count: expect.any(Number) });
  await arrived(late, replayed.body.count);
  expect(late.received.map(({ headers }) => headers["webhook-id"])).toContain(delivery.event_id);
  await api.post(`/v1/webhook_endpoints/${other.id}`, { enabled: false });
  expect(await api.post(`/v1/webhook_endpoints/${other.id}/replay`, { since })).toMatchObject({
    status: 409,
  });
});

test("an endpoint that answers 410 is disabled, and the tenant's others are told", async () => {
  const gone = await receiver(() => 410);
  const alerts = await receiver();
  const made = await endpoint(gone, ["job.succeeded"]);
  await endpoint(alerts, ["webhook_endpoint.disabled"]);
  await jobs(1);
  const [alert] = await arrived(alerts, 1);
  expect(eventOf(alert ?? { headers: {}, body: "" }).data).toEqual({ id: made.id, status: "disabled" });
  expect(await cluster().openai.webhooks.retrieve(made.id)).toMatchObject({
    status: "disabled",
    disabled_reason: "gone",
  });
});
