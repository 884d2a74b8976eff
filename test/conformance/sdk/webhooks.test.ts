import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestCluster, type TestCluster } from "../../e2e/kit/cluster.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../../e2e/kit/webhook-receiver.ts";
import { checkOpenaiEvent } from "../../kit/check-openai.ts";
import { openaiCalls } from "./kit/calls.ts";
import { openaiClient } from "./kit/clients.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b }] }
models:
  auto: { pools: [quick] }
webhooks: { allow_networks: ["127.0.0.0/8"] }
`;

let cluster: TestCluster;
let receiver: WebhookReceiver;
beforeAll(async () => {
  receiver = await startWebhookReceiver();
  cluster = await startTestCluster({ config, workers: 1 });
});
afterAll(async () => {
  await cluster?.stop();
  receiver?.close();
});

test("the newer client manages endpoints; both unwrap what is sent, and it is as OpenAI describes it", async () => {
  const newer = openaiClient("7.55", cluster.url);
  const { webhooks } = newer.sdk;
  const older = openaiClient("6.49", cluster.url).sdk;
  const { data: types } = await webhooks.eventTypes.list();
  const openaiTypes = types.filter((type) => /^(?:batch|response)\./.test(type));
  expect(openaiTypes).toHaveLength(8);

  const endpoints = [];
  for (const event_types of [openaiTypes, ["job.dead"], ["job.failed"]]) {
    const body = { name: "conformance", url: receiver.url, event_types };
    endpoints.push(await webhooks.create(body as Parameters<typeof webhooks.create>[0]));
  }
  const listed: string[] = [];
  for await (const { id } of webhooks.list({ limit: 1 })) listed.push(id);
  expect(listed).toEqual(endpoints.map(({ id }) => id).reverse());
  const [{ id, signing_secret: first } = { id: "", signing_secret: "" }] = endpoints;
  expect(await webhooks.retrieve(id)).toMatchObject({ id, object: "webhook_endpoint" });
  expect(await webhooks.update(id, { name: "other" })).toMatchObject({ name: "other" });
  const { signing_secret: second } = await webhooks.rotateSecret(id, {
    keep_old_secret_active_for_24_hours: true,
  });

  for (const [index, type] of openaiTypes.entries()) {
    const event_type = type as Parameters<typeof webhooks.test>[1]["event_type"];
    expect(await webhooks.test(id, { event_type })).toMatchObject({ event_type: type, success: true });
    const { body, headers } = receiver.received[index] ?? { body: "", headers: {} };
    checkOpenaiEvent(JSON.parse(body));
    for (const client of [newer.sdk, older])
      for (const secret of [first, second])
        expect(await client.webhooks.unwrap(body, headers, secret)).toMatchObject({ type });
    await expect(older.webhooks.unwrap(`${body} `, headers, second)).rejects.toThrow(/signature/);
  }

  expect(await webhooks.delete(id)).toMatchObject({ id, deleted: true });
  await expect(webhooks.retrieve(id)).rejects.toMatchObject({ status: 404, code: "not_found" });
  expect(newer.missing(openaiCalls.webhooks)).toEqual([]);
});
