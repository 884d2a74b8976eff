import { describe, expect, test } from "vitest";
import { chat, type Seen } from "./test-client.ts";
import { completions, json, setup, untilStats } from "./test-setup.ts";

describe("a seed", () => {
  const bodies = Array.from({ length: 40 }, (_, index) => chat(`prompt ${index}`));
  const run = async (
    seed: number,
    order: readonly Record<string, unknown>[],
  ): Promise<Record<string, unknown>> => {
    const { client } = await setup({ seed, errorRate: 0.3 });
    const seen = await Promise.all(
      order.map(async (body) => [JSON.stringify(body), await client.post(completions, body)] as const),
    );
    const told = seen.map(([body, { status, body: text }]) => [
      body,
      `${status} ${text.replace(/"created":\d+/, "")}`,
    ]);
    return Object.fromEntries(told);
  };

  test("gives each body the same answer and the same fault, whatever the order", async () => {
    const first = await run(5, bodies);
    expect(await run(5, bodies.toReversed())).toEqual(first);
    expect(await run(6, bodies)).not.toEqual(first);
    const failed = Object.values(first).filter((told) => !String(told).startsWith("200"));
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(bodies.length);
  });

  test("draws another fault for a retry of the same body", async () => {
    const { client } = await setup({ errorRate: 0.5 });
    const statuses: unknown[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1)
      statuses.push((await client.post(completions, chat("again"))).status);
    expect(new Set(statuses)).toContain(200);
    expect(new Set(statuses).size).toBeGreaterThan(1);
  });
});

describe("limits", () => {
  test("requests above them get 429 with what is left, and stats keep the peaks", async () => {
    const { client, simulator } = await setup({ requestsPerMinute: 3, tokensPerMinute: 100_000 });
    const seen: Seen[] = [];
    for (let call = 0; call < 5; call += 1) seen.push(await client.post(completions, chat(`call ${call}`)));
    expect(seen.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
    expect(seen[0]?.headers).toMatchObject({
      "x-ratelimit-limit-requests": "3",
      "x-ratelimit-remaining-requests": "2",
      "x-ratelimit-reset-requests": "1m0s",
      "x-ratelimit-limit-tokens": "100000",
      "x-ratelimit-reset-tokens": "1m0s",
    });
    expect(seen[4]?.headers["x-ratelimit-remaining-requests"]).toBe("0");
    expect(Number(seen[4]?.headers["retry-after-ms"])).toBeGreaterThan(0);
    expect(Number(seen[4]?.headers["retry-after"])).toBeGreaterThan(0);
    expect(json(seen[4] as Seen).error).toMatchObject({
      type: "requests",
      code: "rate_limit_exceeded",
      param: null,
    });
    expect(simulator.stats()).toMatchObject({
      calls: 5,
      throttled: { total: 2 },
      max_requests_60s: 3,
      max_arrivals_60s: 5,
    });
  });

  test("tokens are charged by what is answered, at arrival", async () => {
    const { client, simulator } = await setup({ tokensPerMinute: 100, outputSpread: 0 });
    const first = json(await client.post(completions, chat("x", { max_tokens: 4000 })));
    expect(simulator.stats().max_tokens_60s).toBe(first.usage.total_tokens);
    const remaining = 100 - first.usage.total_tokens;
    const second = await client.post(completions, chat("y"));
    expect(Number(second.headers["x-ratelimit-remaining-tokens"])).toBe(
      remaining - json(second).usage.total_tokens,
    );
    const third = await client.post(completions, chat("z"));
    expect([third.status, json(third).error.type]).toEqual([429, "tokens"]);
  });

  test("a call that can never fit is told not to try again", async () => {
    const { client } = await setup({ tokensPerMinute: 10 });
    const seen = await client.post(completions, chat("far too long for ten tokens a minute"));
    expect([seen.status, seen.headers["x-should-retry"], seen.headers["retry-after"]]).toEqual([
      429,
      "false",
      undefined,
    ]);
  });

  test("a caller who leaves gives its place back, and limits can be changed while running", async () => {
    const { client, simulator } = await setup({ concurrency: 1 });
    const held = client.open(completions, chat("x [[sim:hang]]"));
    await untilStats(simulator, ({ in_flight }) => in_flight === 1);
    expect((await client.post(completions, chat("y"))).status).toBe(429);
    held.abort();
    await untilStats(simulator, ({ by_status }) => by_status["499"] === 1);
    expect((await client.post(completions, chat("y"))).status).toBe(200);
    await client.post("/_sim/limits", { requests_per_minute: 1, concurrency: null });
    expect((await client.post(completions, chat("z"))).status).toBe(429);
    expect((await client.post("/_sim/limits", { tokens: 1 })).status).toBe(400);
  });

  test("calls above the slots wait, and the metrics say so", async () => {
    const { client, simulator } = await setup({ slots: 1, kvBlocks: 100 });
    const held = client.open(completions, chat("x [[sim:hang]]"));
    await untilStats(simulator, ({ in_flight }) => in_flight === 1);
    const waiting = client.open(completions, chat("y"));
    await untilStats(simulator, ({ in_flight }) => in_flight === 2);
    const before = (await client.get("/metrics")).body;
    expect(before).toContain('vllm:num_requests_running{model_name="test-model"} 1');
    expect(before).toContain('vllm:num_requests_waiting{model_name="test-model"} 1');
    expect(before).toMatch(/vllm:kv_cache_usage_perc\{model_name="test-model"\} 0\.0\d/);
    expect(before).toContain('vllm:cache_config_info{block_size="16",num_gpu_blocks="100"} 1');
    held.abort();
    expect((await waiting.done).status).toBe(200);
    const metrics = (await client.get("/metrics")).body;
    expect(metrics).toContain('vllm:num_requests_running{model_name="test-model"} 0');
    expect(metrics).toContain('vllm:kv_cache_usage_perc{model_name="test-model"} 0');
    expect(metrics).toContain('vllm:e2e_request_latency_seconds_count{model_name="test-model"} 1');
  });
});

describe("the call log", () => {
  test("shows each call with what identifies it, pages by sequence, and forgets on reset", async () => {
    const { client, simulator } = await setup({ callLogSize: 3 });
    for (let call = 0; call < 5; call += 1) {
      await client.post(completions, chat(`${call}`), {
        "x-sluice-job-id": `job_${call}`,
        "idempotency-key": "k",
        "x-request-id": "r",
      });
    }
    const { calls, dropped, next_since } = json(await client.get("/_sim/calls?since=3"));
    expect({ dropped, next_since }).toEqual({ dropped: 2, next_since: 5 });
    expect(calls).toHaveLength(2);
    expect(calls[0]).toMatchObject({
      seq: 4,
      x_sluice_job_id: "job_3",
      idempotency_key: "k",
      x_request_id: "r",
      status: 200,
    });
    expect(calls[0].sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(calls[0].at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(json(await client.get("/_sim/calls")).calls).toHaveLength(3);
    await client.post("/_sim/reset", {});
    expect(simulator.stats()).toMatchObject({ calls: 0, max_requests_60s: 0, by_status: {} });
    expect(simulator.calls()).toEqual([]);
  });
});
