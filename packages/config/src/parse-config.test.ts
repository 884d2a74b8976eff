// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} in plain text is what this file is about.
import { describe, expect, test } from "vitest";
import { loadConfig } from "./load-config.ts";
import { accepted, edit, parse, smallest } from "./test-kit.ts";

const full = `
version: 1
providers:
  openai:   { kind: openai, base_url: "https://api.openai.com/v1/", api_key: "\${OPENAI_API_KEY}" }
  claude:   { kind: anthropic, base_url: "https://api.anthropic.com", api_key: "\${ANTHROPIC_API_KEY}" }
  gpu-a:    { kind: openai, base_url: "http://10.0.0.7:8000/v1", engine: { kind: vllm, metrics_url: "http://10.0.0.7:8000/metrics", dcgm_url: "http://10.0.0.7:9400/metrics" } }
  sim:      { kind: simulator, ttft_ms: 200, tokens_per_second: 80, requests_per_minute: 600, tokens_per_minute: 100000, concurrency: 32, error_rate: 0.01 }
pools:
  small:
    targets:
      - id: small-openai
        provider: openai
        model: gpt-4o-mini
        weight: 1
        limits: { requests_per_minute: 500, tokens_per_minute: 200000, concurrency: 64, tokens_per_day: 20000000, usd_per_day: 50 }
        price: { input: 0.15, cached_input: 0.075, output: 0.60 }
        context_window: 128000
        max_output_tokens: 16384
        endpoints: [/v1/chat/completions, /v1/responses]
        capabilities: [tools, json_schema, vision]
        region: us
        data: { retention: none, training: deny }
        tags: [hipaa]
  large:
    targets: [ { id: large-gpu, provider: gpu-a, model: qwen3-72b, context_window: 32768, max_output_tokens: 8192, endpoints: [/v1/chat/completions] } ]
sla_classes:
  interactive: { deadline: 30s, on_miss: expire }
  standard:    { deadline: 15m, default: true, on_miss: best_effort, admission: flag, on_ambiguous: retry }
  batch:       { deadline: 24h }
models:
  auto:
    pools: [small, large]
    policy: balanced
    rules:
      - { when: "has(request.tools) && request.tools.size() > 0", pools: [large] }
      - { when: "tenant.tags.exists(t, t == 'eu')", require: { region: eu } }
    fallback: [large]
  gpt-4o-mini: { pools: [small] }
policies:
  balanced: { scorers: { cost: 2, headroom: 2, latency: 1, backlog: 1 }, picker: best }
retry:   { max_attempts: 5, base: 500ms, max: 60s }
limits:  { batch_file_bytes: 200MB, batch_lines: 50000, job_body_bytes: 16MB, queued_jobs: 5000000 }
tenants:
  default: { weight: 1, limits: { requests_per_minute: 6000, enqueued_tokens: 50000000, usd_per_day: 100, usd_per_day_per_key: 20 }, tags: [eu], max_priority: 9 }
webhooks: { allow_networks: ["127.0.0.0/8"], timeout: 15s }
retention: { results: 30d, files: 30d }
`;
const keys = { OPENAI_API_KEY: "sk-1", ANTHROPIC_API_KEY: "sk-2" };

describe("a file of every section", () => {
  test("becomes targets with limits, prices and places", () => {
    const { config } = accepted(full, keys);
    expect(config.pools["small"]?.targets).toEqual([
      {
        id: "small-openai",
        pool: "small",
        provider: "openai",
        model: "gpt-4o-mini",
        weight: 1,
        limits: {
          requestsPerMinute: 500,
          tokensPerMinute: 200_000,
          concurrency: 64,
          tokensPerDay: 20_000_000,
          usdPerDay: 50,
        },
        price: { input: 0.15, cachedInput: 0.075, output: 0.6 },
        contextWindow: 128_000,
        maxOutputTokens: 16_384,
        endpoints: ["/v1/chat/completions", "/v1/responses"],
        capabilities: ["tools", "json_schema", "vision"],
        region: "us",
        data: { retention: "none", training: "deny" },
        tags: ["hipaa"],
      },
    ]);
  });

  test("becomes providers with expanded credentials and addresses without a trailing slash", () => {
    const { config } = accepted(full, keys);
    expect(config.providers["openai"]).toEqual({
      name: "openai",
      kind: "openai",
      baseUrl: "https://api.openai.com/v1",
      apiKey: "sk-1",
    });
    expect(config.providers["gpu-a"]).toEqual({
      name: "gpu-a",
      kind: "openai",
      baseUrl: "http://10.0.0.7:8000/v1",
      engine: {
        kind: "vllm",
        metricsUrl: "http://10.0.0.7:8000/metrics",
        dcgmUrl: "http://10.0.0.7:9400/metrics",
      },
    });
  });

  test("becomes classes, models and services in milliseconds and bytes", () => {
    const { config } = accepted(full, keys);
    expect(config.slaClasses["standard"]).toEqual({
      name: "standard",
      deadlineMs: 900_000,
      onMiss: "best_effort",
      admission: "flag",
      onAmbiguous: "retry",
      isDefault: true,
    });
    expect(config.slaClasses["batch"]).toMatchObject({
      deadlineMs: 86_400_000,
      onMiss: "expire",
      isDefault: false,
    });
    expect(config.models["auto"]).toEqual({
      name: "auto",
      pools: ["small", "large"],
      rules: [
        { when: "has(request.tools) && request.tools.size() > 0", pools: ["large"] },
        { when: "tenant.tags.exists(t, t == 'eu')", require: { region: "eu" } },
      ],
      fallback: ["large"],
      policy: "balanced",
    });
    expect(config.limits).toEqual({
      batchFileBytes: 200_000_000,
      batchLines: 50_000,
      batchEmbeddingInputs: 50_000,
      messageBatchBytes: 256_000_000,
      messageBatchRequests: 100_000,
      jobBodyBytes: 16_000_000,
      queuedJobs: 5_000_000,
    });
    expect(config.tenants["default"]).toEqual({
      weight: 1,
      limits: { requestsPerMinute: 6000, enqueuedTokens: 50_000_000, usdPerDay: 100, usdPerDayPerKey: 20 },
      tags: ["eu"],
      maxPriority: 9,
    });
    expect(config.webhooks).toEqual({ allowNetworks: ["127.0.0.0/8"], timeoutMs: 15_000 });
  });

  test("warns of what nothing uses, and of rules whose jobs nothing serves", () => {
    expect(accepted(full, keys).warnings.map(({ message }) => message)).toEqual([
      "providers.claude is used by no target: name it in one, or remove it",
      "providers.sim is used by no target: name it in one, or remove it",
      'models.auto.rules[1].require.region requires region "eu", which no target of its pools has (they have us): such jobs will die; state it in a target or change the rule',
    ]);
  });
});

describe("warns of", () => {
  const warnings = (text: string) =>
    accepted(text).warnings.map(({ line, column, message }) => `${line}:${column} ${message}`);
  const pool =
    "  spare:\n    targets:\n      - { id: t2, provider: sim, model: m, tags: [b], capabilities: [tools], data: { retention: 7d } }\n";
  const two = edit(smallest, "models:\n", `${pool}models:\n`);

  test.each([
    ["pools: [small]", "8:3 pools.spare is reached by no model: name it in the pools of one, or remove it"],
    [
      "pools: [small, spare], fallback: [spare]",
      "12:45 models.auto.fallback[0] adds nothing, because it is among the model's pools: remove it, or name another pool",
    ],
    [
      'pools: [small, spare], rules: [{ when: "job.attempt > 1", require: { tags: [a] } }]',
      '12:87 models.auto.rules[0].require.tags[0] requires tag "a", which no target of its pools has (they have b): such jobs will die; state it in a target or change the rule',
    ],
    [
      'pools: [small], rules: [{ when: "job.attempt > 1", pools: [spare], require: { data: { retention: none } } }]',
      '12:108 models.auto.rules[0].require.data.retention requires retention "none", which no target of its pools has (they have 7d): such jobs will die; state it in a target or change the rule',
    ],
  ])("%s", (alias, warning) => {
    expect(warnings(edit(two, "pools: [small]", alias))).toEqual([warning]);
  });

  test("what no single target has together", () => {
    const rule =
      'pools: [small, spare], rules: [{ when: "job.attempt > 1", require: { tags: [b], region: eu } }]';
    const text = edit(edit(two, "pools: [small]", rule), "id: t1,", "id: t1, region: eu,");
    expect(warnings(text)).toEqual([
      "12:78 models.auto.rules[0].require asks for what no single target of its pools has together: such jobs will die; split the rule or complete a target",
    ]);
  });
});

describe("the smallest file", () => {
  test("gets every default", () => {
    const { config, warnings } = accepted(smallest);
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      version: 1,
      providers: { sim: { ttftMs: 500, tokensPerSecond: 50, errorRate: 0 } },
      slaClasses: {
        interactive: { deadlineMs: 30_000, onMiss: "expire", isDefault: false },
        standard: {
          deadlineMs: 900_000,
          onMiss: "best_effort",
          admission: "flag",
          onAmbiguous: "retry",
          isDefault: true,
        },
        batch: { deadlineMs: 86_400_000, isDefault: false },
      },
      models: { auto: { policy: "balanced", fallback: [] } },
      policies: { balanced: { scorers: { cost: 2, headroom: 2, latency: 1, backlog: 1 }, picker: "best" } },
      retry: { maxAttempts: 5, baseMs: 500, maxMs: 60_000 },
      limits: {
        batchFileBytes: 200_000_000,
        batchLines: 50_000,
        batchEmbeddingInputs: 50_000,
        messageBatchBytes: 256_000_000,
        messageBatchRequests: 100_000,
        jobBodyBytes: 16_000_000,
        queuedJobs: 5_000_000,
      },
      tenants: { default: { weight: 1, limits: {}, tags: [], maxPriority: 9 } },
      webhooks: { allowNetworks: [], timeoutMs: 15_000 },
      retention: { resultsMs: 2_592_000_000, filesMs: 2_592_000_000 },
    });
    expect(config.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test("gives a target on a simulator its provider's limits and endpoints", () => {
    const target = accepted(smallest).config.pools["small"]?.targets[0];
    expect(target).toEqual({
      id: "t1",
      pool: "small",
      provider: "sim",
      model: "m",
      weight: 1,
      limits: { requestsPerMinute: 600, concurrency: 32 },
      price: { input: 0, cachedInput: 0, output: 0 },
      contextWindow: 128_000,
      maxOutputTokens: 16_384,
      endpoints: [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/responses",
        "/v1/moderations",
        "/v1/messages",
      ],
      capabilities: [],
      tags: [],
    });
  });

  test("keeps the limits a target on a simulator states itself, even when it states none", () => {
    const stated = edit(smallest, "model: m", "model: m, limits: { tokens_per_minute: 5 }");
    expect(accepted(stated).config.pools["small"]?.targets[0]?.limits).toEqual({ tokensPerMinute: 5 });
    const none = edit(smallest, "model: m", "model: m, limits: {}");
    expect(accepted(none).config.pools["small"]?.targets[0]?.limits).toEqual({});
  });

  test("prices cached input like input unless it says otherwise", () => {
    const { config } = accepted(edit(smallest, "model: m", "model: m, price: { input: 3 }"));
    expect(config.pools["small"]?.targets[0]?.price).toEqual({ input: 3, cachedInput: 3, output: 0 });
  });

  test("keeps the longest answer within a small context window", () => {
    const { config } = accepted(edit(smallest, "model: m", "model: m, context_window: 4096"));
    expect(config.pools["small"]?.targets[0]?.maxOutputTokens).toBe(4096);
  });

  test("finds nothing under the names every object has", () => {
    const { config } = accepted(smallest);
    expect(config.models["constructor"]).toBeUndefined();
    expect(config.pools["toString"]).toBeUndefined();
  });

  test("keeps the built-in policy beside those the file adds, without scorers that weigh nothing", () => {
    const { config } = accepted(
      `${smallest}policies: { cheap: { scorers: { cost: 1, latency: 0 }, picker: weighted } }\n`,
    );
    expect(config.policies["cheap"]).toEqual({ name: "cheap", scorers: { cost: 1 }, picker: "weighted" });
    expect(config.policies["balanced"]?.picker).toBe("best");
  });
});

describe("the environment", () => {
  const withReference = (reference: string) =>
    edit(smallest, "requests_per_minute: 600", `requests_per_minute: "${reference}"`);
  const limitOf = (text: string, env: Record<string, string>) =>
    accepted(text, env).config.pools["small"]?.targets[0]?.limits.requestsPerMinute;

  test("gives a scalar that is only a reference its field's type", () => {
    expect(limitOf(withReference("${RPM}"), { RPM: "42" })).toBe(42);
    const key = edit(full, "${OPENAI_API_KEY}", "${DIGITS}");
    expect(accepted(key, { ...keys, DIGITS: "12345" }).config.providers["openai"]).toMatchObject({
      apiKey: "12345",
    });
    const flag = `${smallest}sla_classes: { a: { deadline: "\${D}", default: "\${YES}" } }\n`;
    expect(accepted(flag, { D: "2m", YES: "true" }).config.slaClasses["a"]).toMatchObject({
      deadlineMs: 120_000,
      isDefault: true,
    });
  });

  test("takes the default when the name is unset or empty", () => {
    expect(limitOf(withReference("${RPM:-7}"), {})).toBe(7);
    expect(limitOf(withReference("${RPM:-7}"), { RPM: "" })).toBe(7);
    expect(limitOf(withReference("${RPM:-7}"), { RPM: "8" })).toBe(8);
  });

  test("expands inside a longer scalar, once, and leaves $${ alone", () => {
    const named = (model: string) => edit(smallest, "model: m", `model: "${model}"`);
    const modelOf = (text: string, env: Record<string, string>) =>
      accepted(text, env).config.pools["small"]?.targets[0]?.model;
    expect(modelOf(named("a-${X}-${Y:-z}"), { X: "${Y}" })).toBe("a-${Y}-z");
    expect(modelOf(named("$${X}"), {})).toBe("${X}");
    expect(modelOf(named("costs $5"), {})).toBe("costs $5");
  });

  test("cannot change the structure of the file", () => {
    const text = edit(smallest, "model: m", 'model: "${X}"');
    const evil = "m, weight: 9 }\n  evil: {";
    expect(accepted(text, { X: evil }).config.pools["small"]?.targets[0]).toMatchObject({
      model: evil,
      weight: 1,
    });
  });
});

test("a YAML alias stands for what it names", () => {
  const text = edit(
    smallest,
    "{ id: t1, provider: sim, model: m }",
    "{ id: t1, provider: sim, model: &m x }\n      - { id: t2, provider: sim, model: *m }",
  );
  expect(accepted(text).config.pools["small"]?.targets.map((target) => target.model)).toEqual(["x", "x"]);
});

test("the repository's own file is accepted without warnings and names only simulators", async () => {
  const path = new URL("../../../sluice.yaml", import.meta.url).pathname;
  const result = await loadConfig({ path, env: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  expect(result.warnings).toEqual([]);
  const providers = Object.values(result.config.providers);
  expect(providers.map((provider) => provider.kind)).toEqual(providers.map(() => "simulator"));
  expect(Object.keys(result.config.models)).toEqual(
    expect.arrayContaining(["auto", "small", "large", "gpt-4o-mini"]),
  );
});

test("a file that is not there is an error, not an exception", async () => {
  const result = await loadConfig({ path: "/nowhere/sluice.yaml", env: {} });
  expect(result).toMatchObject({
    ok: false,
    errors: [{ line: 1, message: "cannot be read: there is no such file" }],
  });
});

test("a result carries the hash of its configuration", () => {
  const result = parse(smallest);
  expect(result.ok && result.hash === result.config.hash).toBe(true);
});
