import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { until } from "./kit/until.ts";

const config = `
version: 1
providers:
  narrow: { kind: simulator, ttft_ms: 2000, tokens_per_second: 5000, concurrency: 1 }
pools:
  narrow: { targets: [{ id: narrow, provider: narrow, model: sim-8b, limits: { concurrency: 1 } }] }
sla_classes:
  standard: { deadline: 15m, default: true }
  strict: { deadline: 10s, admission: refuse }
models:
  auto: { pools: [narrow] }
tenants:
  default: { limits: { enqueued_tokens: 1500 } }
`;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
});
afterAll(() => cluster?.stop());

const submit = (more: object = {}, maxTokens = 20, headers: Record<string, string> = {}) =>
  cluster.api.post(
    "/v1/jobs",
    {
      endpoint: "/v1/chat/completions",
      body: {
        model: "auto",
        messages: [{ role: "user", content: "Name three rivers." }],
        max_tokens: maxTokens,
      },
      ...more,
    },
    headers,
  );
const lines = (count: number, maxTokens: number) =>
  Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      custom_id: `line-${index}`,
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: "auto", messages: [{ role: "user", content: "Name a river." }], max_tokens: maxTokens },
    }),
  ).join("\n");
const keyed = (key: string) => ({ "idempotency-key": key });

test("jobs say when they will have finished; a class refuses what would be late; a quota gives back", async () => {
  const first = await submit();
  expect(first.status).toBe(202);
  const { p50_at, p95_at, at_risk } = first.body.estimate;
  expect(Date.parse(p50_at)).toBeGreaterThan(Date.parse(first.body.created_at));
  expect(Date.parse(p95_at)).toBeGreaterThan(Date.parse(p50_at));
  expect(at_risk).toBe(false);
  const strict = await submit({ sla: "strict" }, 20, keyed("strict"));
  const large = await submit({}, 400, keyed("large"));
  expect([strict.status, large.status]).toEqual([202, 202]);
  for (let count = 0; count < 15; count += 1) expect((await submit()).status).toBe(202);

  const refused = await until("the strict class refuses", async () => {
    const answer = await submit({ sla: "strict" });
    return answer.status === 503 ? answer : undefined;
  });
  expect(refused.body.error).toMatchObject({ code: "deadline_unattainable", param: "deadline" });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);

  expect((await submit({ sla: "strict" }, 20, keyed("strict"))).text).toBe(strict.text);
  let tries = 0;
  // One that has ended meanwhile leaves room for another.
  await until("a new key is refused, too", async () => {
    const { status } = await submit({ sla: "strict" }, 20, keyed(`new-${tries++}`));
    return status === 503 ? true : undefined;
  });

  const waiting = await cluster.api.get("/v1/jobs?status=queued,waiting&limit=100");
  for (const { estimate } of waiting.body.data)
    expect(Date.parse(estimate.p95_at)).toBeGreaterThan(Date.now());

  const over = await until("the quota is used", async () => {
    const answer = await submit({}, 500);
    return answer.status === 202 ? undefined : answer;
  });
  expect(over).toMatchObject({
    status: 429,
    body: { error: { code: "enqueued_tokens_exceeded", param: null } },
  });
  expect(Number(over.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  const again = await submit({}, 400, keyed("large"));
  expect({ text: again.text, replayed: again.headers.get("idempotent-replayed") }).toEqual({
    text: large.text,
    replayed: "true",
  });
  expect((await submit({}, 401, keyed("large"))).status).toBe(422);
  expect((await submit({}, 500, keyed("later"))).status).toBe(429);
  const live = await cluster.api.get("/v1/jobs?status=queued,waiting&limit=100");
  for (const { id } of live.body.data) await cluster.api.post(`/v1/jobs/${id}/cancel`, {});
  const later = await until("the quota has given back", async () => {
    const answer = await submit({}, 500, keyed("later"));
    return answer.status === 202 ? answer : undefined;
  });
  expect(later.headers.get("idempotent-replayed")).toBeNull();
});

test("a batch says when its last line will have finished; one whose lines count too many tokens has failed", async () => {
  const create = async (text: string) =>
    cluster.api.post("/v1/batches", {
      input_file_id: await cluster.api.upload(text),
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
  const began = await until("a batch has room and begins", async () => {
    const { status, body } = await create(lines(5, 20));
    expect({ status, estimate: body.estimate }).toEqual({
      status: 200,
      estimate: { p50_at: null, p95_at: null, at_risk: false },
    });
    return until("it is validated", async () => {
      const seen = await cluster.api.get(`/v1/batches/${body.id}`);
      return seen.body.status === "validating" ? undefined : seen;
    }).then((seen) => (seen.body.status === "failed" ? undefined : seen));
  });
  const { p50_at, p95_at, at_risk } = began.body.estimate;
  expect(Date.parse(p50_at)).toBeGreaterThan(began.body.created_at * 1000);
  expect(Date.parse(p95_at)).toBeGreaterThan(Date.parse(p50_at));
  expect(at_risk).toBe(false);
  const large = await create(lines(3, 600));
  const failed = await until("the large batch has failed", async () => {
    const seen = await cluster.api.get(`/v1/batches/${large.body.id}`);
    return seen.body.status === "failed" ? seen : undefined;
  });
  expect(failed.body.errors.data).toMatchObject([{ code: "token_limit_exceeded", line: null }]);
  expect(failed.body.estimate).toBeUndefined();
});

test("operators see how estimates were kept", async () => {
  const lane = await until("a leader has counted estimates", async () => {
    const [first] = (await cluster.api.get("/v1/lanes")).body.data;
    return first.estimates === null ? undefined : first;
  });
  const { jobs, by_p50, by_p95 } = lane.estimates;
  expect(jobs).toBeGreaterThanOrEqual(1);
  expect(by_p50).toBeGreaterThanOrEqual(0);
  expect(by_p95).toBeGreaterThanOrEqual(by_p50);
  expect(by_p95).toBeLessThanOrEqual(1);
});
