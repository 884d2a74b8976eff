import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { chatJob, submitJobs } from "./kit/submit.ts";
import { until } from "./kit/until.ts";
import { startWebhookReceiver } from "./kit/webhook-receiver.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 20, tokens_per_second: 5000 }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b }] }
models:
  auto: { pools: [quick] }
webhooks: { allow_networks: ["127.0.0.0/8"], timeout: 5s }
`;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
});
afterAll(() => cluster?.stop());

test("no event is lost when the delivery process, a worker and Redis are killed, and each keeps its one id", async () => {
  const arrivedIds = new Set<string>();
  let isHolding = true;
  const receiver = await startWebhookReceiver(({ headers }) => {
    arrivedIds.add(headers["webhook-id"] ?? "");
    // Nothing after the 30th is answered before the sender is killed, so some are under way then.
    return isHolding && arrivedIds.size > 30 ? "never" : 204;
  });
  try {
    await cluster.api.post("/v1/webhook_endpoints", { url: receiver.url, event_types: ["job.succeeded"] });
    const bodies = Array.from({ length: 300 }, (_, index) => chatJob({ model: "auto", index, maxTokens: 8 }));
    const submitted = submitJobs(cluster.api, bodies);
    const arrived = (count: number) =>
      until(`${count} events arrive`, async () => (arrivedIds.size >= count ? true : undefined), 300_000);
    await arrived(36);
    await cluster.kill("delivery");
    isHolding = false;
    await cluster.kill("worker-1");
    await cluster.kill("redis");
    const ids = await submitted;
    await arrived(300);
    const pending = "/v1/webhook_deliveries?status=pending";
    const settled = async () => ((await cluster.api.get(pending)).body.data.length === 0 ? true : undefined);
    await until("every delivery is written down as answered", settled, 300_000);
    const told = new Map(
      receiver.received.map(({ headers, body }) => [headers["webhook-id"], JSON.parse(body)] as const),
    );
    expect(told.size).toBe(300);
    expect(new Set([...told.values()].map((event) => event.data.id))).toEqual(new Set(ids));
    for (const [id, event] of told) expect(event.id).toBe(id);
    // The kill met some under way: nobody knew that they had arrived, so they came again.
    expect(receiver.received.length).toBeGreaterThan(300);
  } finally {
    receiver.close();
  }
});
