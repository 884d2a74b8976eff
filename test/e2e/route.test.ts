import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiCaller } from "./kit/api-caller.ts";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { until } from "./kit/until.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 10, tokens_per_second: 5000 }
pools:
  small: { targets: [{ id: small-us, provider: quick, model: s, region: us }, { id: small-eu, provider: quick, model: s, region: eu }] }
  large: { targets: [{ id: large, provider: quick, model: l }] }
models:
  auto:
    pools: [small]
    policy: priority
    rules:
      - { when: "request.missing == 1", pools: [large] }
      - { when: "has(request.tools) && request.tools.size() > 0", pools: [large] }
      - { when: "has(job.metadata.place) && job.metadata.place == 'eu'", require: { region: eu } }
tenants:
  default: { tags: [gold] }
`;

let cluster: TestCluster;
let api: ApiCaller;
beforeAll(async () => {
  cluster = await startTestCluster({ config, workers: 1 });
  api = cluster.api;
});
afterAll(() => cluster?.stop());

const tools = [{ type: "function", function: { name: "f" } }];
const job = (body: object = {}, more: object = {}) => ({
  endpoint: "/v1/chat/completions",
  body: {
    model: "auto",
    messages: [{ role: "user", content: "Name three rivers." }],
    max_tokens: 9,
    ...body,
  },
  ...more,
});

describe("POST /v1/route", () => {
  test("answers where the job would go, with filters, scores, rules and the configuration's hash; nothing is enqueued", async () => {
    const answer = await api.post("/v1/route", job({}, { metadata: { place: "eu" } }));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      object: "route",
      dry_run: true,
      model: "auto",
      chosen: "small-eu",
      order: ["small-eu"],
      policy: "priority",
      picker: "in-order",
      propensity: 1,
      rules: [
        { index: 0, matched: false, error: "no such key at character 9" },
        { index: 1, matched: false },
        { index: 2, matched: true },
      ],
      candidates: [
        {
          target: "small-us",
          pool: "small",
          dropped: { filter: "meets-rule", reason: "is in us, the rule requires eu" },
        },
        { target: "small-eu", total: 0 },
      ],
      signals: { "small-eu": { in_flight: 0, breaker: "closed", paused_until: null } },
    });
    expect(answer.body.config_hash).toMatch(/^[0-9a-f]{64}$/);
    expect((await api.get("/v1/jobs")).body.data).toEqual([]);
  });

  test("refuses what POST /v1/jobs refuses", async () => {
    expect(await api.post("/v1/route", job({ model: "nope" }))).toMatchObject({
      status: 400,
      body: { error: { code: "unknown_model" } },
    });
    expect((await api.post("/v1/route", job({}, { bogus: 1 }))).status).toBe(400);
  });
});

test("a job that nothing can take is dead, and its route says why of each target", async () => {
  const { id } = (await api.post("/v1/jobs", job({}, { routing: { region: "mars" } }))).body;
  const dead = await until("the job is dead", async () => {
    const { body } = await api.get(`/v1/jobs/${id}?wait=60`);
    return body.finished_at === undefined ? undefined : body;
  });
  expect(dead).toMatchObject({ status: "dead", error: { code: "no_target" } });
  const { body } = await api.get(`/v1/jobs/${id}/route`);
  expect(body).toMatchObject({ object: "job.route", job_id: id, dry_run: true, chosen: null });
  expect(body.candidates).toMatchObject([
    { target: "small-us", dropped: { filter: "in-region", reason: "is in us, not in mars" } },
    { target: "small-eu", dropped: { filter: "in-region" } },
  ]);
});

test("a job goes where its rule says, and its decision is shown as the dry run showed it", async () => {
  const preview = (await api.post("/v1/route", job({ tools }))).body;
  const accepted = await api.post("/v1/jobs", job({ tools }));
  const { id } = accepted.body;
  const done = await until("the job ends", async () => {
    const { body } = await api.get(`/v1/jobs/${id}?wait=60`);
    return body.finished_at === undefined ? undefined : body;
  });
  expect(done).toMatchObject({ status: "succeeded", target: "large" });
  const decided = (await api.get(`/v1/jobs/${id}/route`)).body;
  expect(decided).toMatchObject({ object: "job.route", job_id: id, chosen: "large", held_back: [] });
  const shared = ["chosen", "order", "candidates", "rules", "policy", "picker", "propensity", "config_hash"];
  const pick = (route: Record<string, unknown>) => Object.fromEntries(shared.map((key) => [key, route[key]]));
  expect(pick(decided)).toEqual(pick(preview));
});
