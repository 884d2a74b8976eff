import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { promptLines, toJsonl } from "./kit/batches.ts";
import { openaiClient } from "./kit/cluster.ts";
import { addTenant } from "./kit/second-tenant.ts";
import { eventOf, webhookCluster } from "./kit/webhook-cluster.ts";
import type { AnswerWebhook, ReceivedWebhook } from "./kit/webhook-receiver.ts";

const { cluster, receiver, endpoint, jobs, arrived } = webhookCluster();

test("the openai client registers, lists, changes, tests and deletes endpoints, and unwraps their events", async () => {
  const { openai, url } = cluster();
  const to = await receiver();
  const types = await openai.webhooks.eventTypes.list();
  expect(types.data).toEqual(expect.arrayContaining(["batch.completed", "response.completed", "job.dead"]));
  const made = await endpoint(to, ["batch.completed", "response.completed"]);
  expect(made).toMatchObject({ object: "webhook_endpoint", name: "test", url: to.url });
  expect(made.signing_secret_hint).toBe(`whsec_…${made.signing_secret.slice(-4)}`);
  const { signing_secret: secret, ...shown } = JSON.parse(JSON.stringify(made));
  expect(await openai.webhooks.retrieve(made.id)).toEqual(shown);
  const others = [await endpoint(to, ["job.dead"]), await endpoint(to, ["job.dead"])];
  const listed: string[] = [];
  for await (const each of openai.webhooks.list({ limit: 1 })) listed.push(each.id);
  expect(listed).toEqual([...others.map(({ id }) => id).reverse(), made.id]);
  expect(await openai.webhooks.update(made.id, { name: "other" })).toMatchObject({
    name: "other",
    url: to.url,
  });

  const result = await openai.webhooks.test(made.id, { event_type: "response.completed" });
  expect(result).toMatchObject({ object: "webhook_endpoint.test", status_code: 204, success: true });
  const [ping] = to.received;
  const client = openaiClient(url);
  const event = await client.webhooks.unwrap(ping?.body ?? "", ping?.headers ?? {}, secret);
  expect(event).toMatchObject({ object: "event", type: "response.completed", data: { status: "completed" } });

  expect(await openai.webhooks.delete(made.id)).toMatchObject({
    deleted: true,
    object: "webhook_endpoint.deleted",
  });
  await expect(openai.webhooks.retrieve(made.id)).rejects.toMatchObject({ status: 404, code: "not_found" });
});

test("what cannot be registered is refused with the field that is at fault", async () => {
  const { api } = cluster();
  const good = { url: "https://example.com/", event_types: ["job.succeeded"] };
  const post = async (body: object) => (await api.post("/v1/webhook_endpoints", body)).body.error;
  expect(await post({ ...good, url: "https://10.0.0.1/" })).toMatchObject({
    code: "webhook_url_forbidden",
    param: "url",
  });
  expect(await post({ ...good, url: "http://example.com@8.8.8.8/" })).toMatchObject({ param: "url" });
  expect(await post({ ...good, event_types: ["job.exploded"] })).toMatchObject({ code: "invalid_value" });
  expect(await post({ ...good, event_types: [] })).toMatchObject({
    code: "invalid_value",
    param: "event_types",
  });
  expect(await post({ url: good.url })).toMatchObject({
    code: "missing_required_parameter",
    param: "event_types",
  });
  expect(await post({ ...good, secret: "mine" })).toMatchObject({
    code: "unknown_parameter",
    param: "secret",
  });
  for (let count = 0; count < 20; count += 1) expect(await post(good)).toBeUndefined();
  expect(await post(good)).toMatchObject({ code: "too_many_webhook_endpoints" });
});

test("a test that the endpoint does not answer says so, and what it answers is told as it is", async () => {
  const { openai } = cluster();
  const to = await receiver(() => 500);
  const made = await endpoint(to, ["job.dead"]);
  expect(await openai.webhooks.test(made.id, { event_type: "batch.failed" })).toMatchObject({
    status_code: 500,
  });
  to.close();
  await expect(openai.webhooks.test(made.id, { event_type: "batch.failed" })).rejects.toMatchObject({
    status: 422,
    code: "webhook_test_failed",
  });
});

test("every event verifies with standardwebhooks and with openai while secrets rotate under load", async () => {
  const { openai, url, api } = cluster();
  const failed: unknown[] = [];
  const secrets = { standard: "", openai: "", tenant: "" };
  const check =
    (verify: (webhook: ReceivedWebhook) => unknown): AnswerWebhook =>
    async (webhook) => {
      try {
        await verify(webhook);
        return 204;
      } catch (error) {
        failed.push(error);
        return 400;
      }
    };
  const client = openaiClient(url);
  const standard = await receiver(
    check(({ body, headers }) => new Webhook(secrets.standard).verify(body, headers)),
  );
  const unwrapping = await receiver(
    check(({ body, headers }) => client.webhooks.unwrap(body, headers, secrets.openai)),
  );
  const byUrl = await receiver(
    check(({ body, headers }) => new Webhook(secrets.tenant).verify(body, headers)),
  );
  const types = ["job.succeeded", "batch.completed"];
  const ends = [await endpoint(standard, types), await endpoint(unwrapping, types)];
  secrets.standard = ends[0]?.signing_secret ?? "";
  secrets.openai = ends[1]?.signing_secret ?? "";
  secrets.tenant = (await api.get("/v1/webhook_secret")).body.secret;

  const input = await api.upload(toJsonl(promptLines(5, { model: "auto" })));
  await openai.batches.create({
    input_file_id: input,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    ...{ webhook_url: byUrl.url },
  });
  const load = jobs(300, { webhook_url: byUrl.url });
  for (let round = 0; round < 3; round += 1) {
    await arrived(standard, 50 * (round + 1));
    const keep = { keep_old_secret_active_for_24_hours: true };
    const fresh = await Promise.all(ends.map(({ id }) => openai.webhooks.rotateSecret(id, keep)));
    const tenant = await api.post("/v1/webhook_secret/rotate", { overlap: "1h" });
    // A receiver learns its new secret later than it begins to sign.
    await arrived(standard, 50 * (round + 1) + 20);
    secrets.standard = fresh[0]?.signing_secret ?? "";
    secrets.openai = fresh[1]?.signing_secret ?? "";
    secrets.tenant = tenant.body.secret;
  }
  await load;
  await Promise.all([standard, unwrapping, byUrl].map((to) => arrived(to, 301)));
  expect(failed).toEqual([]);
  for (const to of [standard, unwrapping, byUrl]) {
    expect(to.received.filter((webhook) => eventOf(webhook).type === "batch.completed")).toHaveLength(1);
    expect(new Set(to.received.map(({ headers }) => headers["webhook-id"])).size).toBe(301);
  }
});

test("another tenant sees nothing of it, and nobody sees a secret again", async () => {
  const { api } = cluster();
  const to = await receiver();
  const made = await endpoint(to, ["job.succeeded"]);
  await jobs(1);
  await arrived(to, 1);
  const other = await addTenant(cluster(), "neighbour");
  const [delivery] = (await api.get("/v1/webhook_deliveries")).body.data;
  const paths = [
    `/v1/webhook_endpoints/${made.id}`,
    `/v1/webhook_endpoints/${made.id}/deliveries`,
    `/v1/webhook_deliveries/${delivery.id}`,
  ];
  for (const path of paths) expect([path, (await other.get(path)).status]).toEqual([path, 404]);
  const posts = [
    [`/v1/webhook_endpoints/${made.id}`, { name: "mine" }],
    [`/v1/webhook_endpoints/${made.id}/rotate_secret`, {}],
    [`/v1/webhook_endpoints/${made.id}/test`, { event_type: "job.dead" }],
    [`/v1/webhook_endpoints/${made.id}/replay`, { since: "1h" }],
    [`/v1/webhook_deliveries/${delivery.id}/redeliver`, {}],
  ] as const;
  for (const [path, body] of posts)
    expect([path, (await other.post(path, body)).status]).toEqual([path, 404]);
  expect((await other.get("/v1/webhook_endpoints")).body.data).toEqual([]);
  expect((await other.get("/v1/webhook_deliveries")).body.data).toEqual([]);
  const shown = [
    await api.get(paths[0] ?? ""),
    await api.get("/v1/webhook_endpoints"),
    await api.get(paths[1] ?? ""),
  ];
  for (const { text } of shown) expect(text).not.toContain(made.signing_secret.slice(6, 20));
});
