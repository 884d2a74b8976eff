import { afterAll, afterEach, beforeAll } from "vitest";
import { startTestCluster, type TestCluster } from "./cluster.ts";
import { chatJob, submitJobs } from "./submit.ts";
import { until } from "./until.ts";
import {
  type AnswerWebhook,
  type ReceivedWebhook,
  startWebhookReceiver,
  type WebhookReceiver,
} from "./webhook-receiver.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 20, tokens_per_second: 5000 }
pools:
  quick:
    targets:
      - { id: quick, provider: quick, model: sim-8b, price: { input: 1, output: 4 } }
models:
  auto: { pools: [quick] }
webhooks: { allow_networks: ["127.0.0.0/8"], timeout: 2m }
`;

/** A cluster for the tests of a file, with receivers and endpoints that are gone after each test. */
export function webhookCluster() {
  let cluster: TestCluster;
  const receivers: WebhookReceiver[] = [];
  beforeAll(async () => {
    cluster = await startTestCluster({ config });
  });
  afterEach(async () => {
    for (const receiver of receivers.splice(0)) receiver.close();
    for await (const endpoint of cluster.openai.webhooks.list())
      await cluster.openai.webhooks.delete(endpoint.id);
  });
  afterAll(() => cluster?.stop());

  async function receiver(answer?: AnswerWebhook): Promise<WebhookReceiver> {
    const started = await startWebhookReceiver(answer);
    receivers.push(started);
    return started;
  }

  async function endpoint(to: WebhookReceiver, types: readonly string[], more: object = {}) {
    const body = { name: "test", url: to.url, event_types: [...types], ...more };
    return cluster.openai.webhooks.create(body as Parameters<typeof cluster.openai.webhooks.create>[0]);
  }

  const jobs = (count: number, fields: object = {}) =>
    submitJobs(
      cluster.api,
      Array.from({ length: count }, (_, index) => chatJob({ model: "auto", index, maxTokens: 8 }, fields)),
    );

  const arrived = (to: WebhookReceiver, count: number) =>
    until(`${count} webhooks arrive`, async () => (to.received.length >= count ? to.received : undefined));
  return { cluster: () => cluster, receiver, endpoint, jobs, arrived };
}

/** The event that a webhook tells of. */
export const eventOf = (webhook: ReceivedWebhook) => JSON.parse(webhook.body);
