// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} in plain text is what this file is about.
import { describe, expect, test } from "vitest";
import { edit, refused, smallest } from "./test-kit.ts";

interface Broken {
  readonly that: string;
  readonly from: string;
  readonly to: string;
  readonly error: string;
}

const target = "{ id: t1, provider: sim, model: m }";
const models = "models:\n  auto: { pools: [small] }\n";

/** Each row changes one place of the smallest file and must give exactly this one error. */
const table: readonly Broken[] = [
  {
    that: "a limit that is text",
    from: "model: m",
    to: 'model: m, limits: { tokens_per_minute: "10k tpm" }',
    error:
      'sluice.yaml:7:73 pools.small.targets[0].limits.tokens_per_minute must be a positive integer, got "10k tpm"',
  },
  {
    that: "a mistyped key",
    from: "model: m",
    to: "model: m, limts: {}",
    error: 'sluice.yaml:7:44 pools.small.targets[0].limts: unknown key "limts", did you mean "limits"?',
  },
  {
    that: "a key like no other",
    from: models,
    to: `${models}retry: { patience: 3 }\n`,
    error: 'sluice.yaml:10:10 retry.patience: unknown key "patience" (known: max_attempts, base, max)',
  },
  {
    that: "a limit of zero",
    from: "requests_per_minute: 600",
    to: "requests_per_minute: 0",
    error: "sluice.yaml:3:48 providers.sim.requests_per_minute must be a positive integer, got 0",
  },
  {
    that: "a limit that is no whole number",
    from: "concurrency: 32",
    to: "concurrency: 1.5",
    error: "sluice.yaml:3:66 providers.sim.concurrency must be a positive integer, got 1.5",
  },
  {
    that: "a provider that does not exist",
    from: "provider: sim",
    to: "provider: simm",
    error:
      'sluice.yaml:7:29 pools.small.targets[0].provider names an unknown provider, got "simm", did you mean "sim"?',
  },
  {
    that: "a target id used twice",
    from: target,
    to: `${target}\n      - ${target}`,
    error: 'sluice.yaml:8:15 pools.small.targets[1].id repeats "t1" of pools.small.targets[0].id',
  },
  {
    that: "a pool that does not exist",
    from: "pools: [small]",
    to: "pools: [smal]",
    error: 'sluice.yaml:9:19 models.auto.pools[0] names an unknown pool, got "smal", did you mean "small"?',
  },
  {
    that: "a fallback that does not exist",
    from: "pools: [small]",
    to: "pools: [small], fallback: [enormous]",
    error: 'sluice.yaml:9:38 models.auto.fallback[0] names an unknown pool, got "enormous" (known: small)',
  },
  {
    that: "a fallback that repeats",
    from: "pools: [small]",
    to: "pools: [small], fallback: [small, small]",
    error: 'sluice.yaml:9:45 models.auto.fallback[1] repeats "small" of models.auto.fallback[0]',
  },
  {
    that: "a policy that does not exist",
    from: "pools: [small]",
    to: "pools: [small], policy: balance",
    error:
      'sluice.yaml:9:35 models.auto.policy names an unknown policy, got "balance", did you mean "balanced"?',
  },
  {
    that: "a scorer that does not exist",
    from: models,
    to: `${models}policies: { p: { scorers: { hedroom: 1 } } }\n`,
    error: 'sluice.yaml:10:29 policies.p.scorers.hedroom: unknown key "hedroom", did you mean "headroom"?',
  },
  {
    that: "a picker that does not exist",
    from: models,
    to: `${models}policies: { p: { picker: bets } }\n`,
    error:
      'sluice.yaml:10:26 policies.p.picker must be one of best, weighted, round-robin, in-order, got "bets", did you mean "best"?',
  },
  {
    that: "no default class",
    from: models,
    to: `${models}sla_classes: { a: { deadline: 1m } }\n`,
    error: "sluice.yaml:10:1 sla_classes has no default class: write default: true in one of them",
  },
  {
    that: "two default classes",
    from: models,
    to: `${models}sla_classes:\n  a: { deadline: 1m, default: true }\n  b: { deadline: 2m, default: true }\n`,
    error:
      "sluice.yaml:12:22 sla_classes.b.default makes a second default class beside sla_classes.a: keep one",
  },
  {
    that: "a deadline without a unit",
    from: models,
    to: `${models}sla_classes: { a: { deadline: 30, default: true } }\n`,
    error:
      "sluice.yaml:10:31 sla_classes.a.deadline must be a duration like 500ms, 30s, 15m, 24h or 30d, got 30",
  },
  {
    that: "a negative price",
    from: "model: m",
    to: "model: m, price: { output: -0.5 }",
    error: "sluice.yaml:7:61 pools.small.targets[0].price.output must be a number of zero or more, got -0.5",
  },
  {
    that: "an answer longer than the context",
    from: "model: m",
    to: "model: m, context_window: 10, max_output_tokens: 20",
    error:
      "sluice.yaml:7:83 pools.small.targets[0].max_output_tokens must not exceed pools.small.targets[0].context_window (10), got 20",
  },
  {
    that: "an alias that nothing serves",
    from: "model: m",
    to: "model: m, endpoints: []",
    error:
      "sluice.yaml:9:3 models.auto has no target that serves any endpoint: name endpoints in a target of its pools",
  },
  {
    that: "a size in words",
    from: models,
    to: `${models}limits: { job_body_bytes: big }\n`,
    error:
      'sluice.yaml:10:27 limits.job_body_bytes must be a size like 16MB or 200MB, or a number of bytes, got "big"',
  },
  {
    that: "a first delay above the longest",
    from: models,
    to: `${models}retry: { base: 2m }\n`,
    error: 'sluice.yaml:10:16 retry.base must not exceed retry.max, got "2m"',
  },
  {
    that: "a network that is none",
    from: models,
    to: `${models}webhooks: { allow_networks: [10.0.0.0/33] }\n`,
    error:
      'sluice.yaml:10:30 webhooks.allow_networks[0] must be a network like 10.0.0.0/8 or fd00::/8, got "10.0.0.0/33"',
  },
  {
    that: "an unknown kind of provider",
    from: "kind: simulator, ",
    to: "kind: simulater, ",
    error:
      'sluice.yaml:3:16 providers.sim.kind must be one of openai, anthropic, simulator, got "simulater", did you mean "simulator"?',
  },
  {
    that: "a missing field",
    from: ", model: m",
    to: "",
    error: "sluice.yaml:7:9 pools.small.targets[0].model is required",
  },
  {
    that: "a missing section",
    from: models,
    to: "",
    error: "sluice.yaml:1:1 models is required",
  },
  {
    that: "a section without entries",
    from: models,
    to: "models: {}\n",
    error: "sluice.yaml:8:9 models must not be empty",
  },
  {
    that: "an alias without pools",
    from: "pools: [small]",
    to: "pools: []",
    error: "sluice.yaml:9:18 models.auto.pools must not be empty",
  },
  {
    that: "another version",
    from: "version: 1",
    to: "version: 2",
    error: "sluice.yaml:1:10 version must be 1, got 2",
  },
  {
    that: "a key written twice",
    from: "concurrency: 32",
    to: "concurrency: 32, kind: simulator",
    error: "sluice.yaml:3:70 providers.sim.kind is defined twice",
  },
  {
    that: "a name that cannot be a lane",
    from: "auto: {",
    to: '"a:b": {',
    error:
      'sluice.yaml:9:3 models["a:b"] must be a name of letters, digits and . _ - / @ + (at most 128, a letter or digit first)',
  },
  {
    that: "a rule that cannot be read",
    from: "pools: [small]",
    to: 'pools: [small], rules: [{ when: "tenant.id ==", pools: [small] }]',
    error:
      "sluice.yaml:9:43 models.auto.rules[0].when is no usable CEL expression: Unexpected token: EOF (character 13); it may read request, tenant, job and signals",
  },
  {
    that: "a rule on an unknown variable",
    from: "pools: [small]",
    to: 'pools: [small], rules: [{ when: "user.id == 1", pools: [small] }]',
    error:
      "sluice.yaml:9:43 models.auto.rules[0].when is no usable CEL expression: Unknown variable: user (character 1); it may read request, tenant, job and signals",
  },
  {
    that: "a rule on an unknown field",
    from: "pools: [small]",
    to: "pools: [small], rules: [{ when: \"tenant.tag == 'a'\", pools: [small] }]",
    error:
      "sluice.yaml:9:43 models.auto.rules[0].when is no usable CEL expression: No such key: tag (character 8); it may read request, tenant, job and signals",
  },
  {
    that: "a rule that is no question",
    from: "pools: [small]",
    to: 'pools: [small], rules: [{ when: "job.priority", pools: [small] }]',
    error:
      "sluice.yaml:9:43 models.auto.rules[0].when is no usable CEL expression: must be true or false, this is of type int (character 1); it may read request, tenant, job and signals",
  },
  {
    that: "a rule that never matches",
    from: "pools: [small]",
    to: 'pools: [small], rules: [{ when: "1 > 2", pools: [small] }]',
    error: "sluice.yaml:9:43 models.auto.rules[0].when never matches: remove the rule or change when",
  },
  {
    that: "a rule on the signals of another model",
    from: "pools: [small]",
    to: 'pools: [small], rules: [{ when: "signals.t2.paused", pools: [small] }]',
    error:
      'sluice.yaml:9:43 models.auto.rules[0].when reads signals of "t2", which is no target of the model\'s pools, did you mean "t1"?',
  },
  {
    that: "a rule after one that always matches",
    from: "pools: [small]",
    to: 'pools: [small], rules: [{ when: "true" }, { when: "has(request.tools)", pools: [small] }]',
    error:
      "sluice.yaml:9:61 models.auto.rules[1].when can never match, because models.auto.rules[0] always does: move it before that one or remove it",
  },
  {
    that: "a rule that is written twice",
    from: "pools: [small]",
    to: 'pools: [small], rules: [{ when: "has(request.a)" }, { when: "has(request.a)", pools: [small] }]',
    error:
      "sluice.yaml:9:71 models.auto.rules[1].when can never match, because models.auto.rules[0] says the same: join the two or remove one",
  },
  {
    that: "a rule to an unknown pool",
    from: "pools: [small]",
    to: 'pools: [small], rules: [{ when: "true", pools: [smal] }]',
    error:
      'sluice.yaml:9:59 models.auto.rules[0].pools[0] names an unknown pool, got "smal", did you mean "small"?',
  },
  {
    that: "a rule to no pool",
    from: "pools: [small]",
    to: 'pools: [small], rules: [{ when: "true", pools: [] }]',
    error: "sluice.yaml:9:58 models.auto.rules[0].pools must not be empty",
  },
  {
    that: "a rule without a question",
    from: "pools: [small]",
    to: "pools: [small], rules: [{ pools: [small] }]",
    error: "sluice.yaml:9:35 models.auto.rules[0].when is required",
  },
  {
    that: "a rule that requires what it cannot",
    from: "pools: [small]",
    to: 'pools: [small], rules: [{ when: "true", require: { regoin: eu } }]',
    error:
      'sluice.yaml:9:62 models.auto.rules[0].require.regoin: unknown key "regoin", did you mean "region"?',
  },
  {
    that: "an unset variable",
    from: "model: m",
    to: 'model: "${NOT_SET}"',
    error:
      "sluice.yaml:7:41 pools.small.targets[0].model needs the environment variable NOT_SET, which is not set: set it or write ${NOT_SET:-default}",
  },
  {
    that: "a broken reference",
    from: "model: m",
    to: 'model: "${not-a-name}"',
    error:
      "sluice.yaml:7:41 pools.small.targets[0].model has a broken reference: write ${NAME} or ${NAME:-default}",
  },
  {
    that: "an unquoted reference inside braces",
    from: "model: m",
    to: "model: ${X}",
    error: 'sluice.yaml:7:42 is not valid YAML: put "${NAME}" in quotes inside { } and [ ]',
  },
  {
    that: "a tab",
    from: "  auto: {",
    to: "\tauto: {",
    error: "sluice.yaml:9:1 is not valid YAML: indent with spaces, not with tabs",
  },
];

describe("refuses", () => {
  test.each(table)("$that", ({ from, to, error }) => {
    expect(refused(edit(smallest, from, to))).toEqual([error]);
  });

  test("an empty file", () => {
    expect(refused("# nothing\n")).toEqual(["sluice.yaml:1:1 the file must be a mapping, got nothing"]);
  });

  test("an alias that contains itself", () => {
    const text = `${smallest}retry: &a\n  base: *a\n`;
    expect(refused(text).join()).toContain("contains itself");
  });

  test("everything that is wrong at once, in the order of lines", () => {
    let text = edit(smallest, "version: 1", "version: one");
    text = edit(text, "kind: simulator", "kind: simulator, speed: 3");
    text = edit(text, "provider: sim", "provider: nobody");
    text = edit(text, "pools: [small]", "pools: [big], policy: 7");
    expect(refused(text).map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "sluice.yaml:1:10 version",
      "sluice.yaml:3:27 providers.sim.speed:",
      "sluice.yaml:7:29 pools.small.targets[0].provider",
      "sluice.yaml:9:19 models.auto.pools[0]",
      "sluice.yaml:9:33 models.auto.policy",
    ]);
  });
});

describe("never shows", () => {
  const secret = "sk-very-secret-1234567890";
  const openai = (fields: string) =>
    edit(smallest, "kind: simulator, requests_per_minute: 600, concurrency: 32", fields);

  test.each([
    { that: "a key of the wrong type", text: openai(`kind: openai, api_key: [${secret}]`) },
    {
      that: "a key where its provider should stand",
      text: edit(smallest, "{ kind: simulator, requests_per_minute: 600, concurrency: 32 }", secret),
    },
    { that: "a key under a mistyped name", text: openai(`kind: openai, apikey: ${secret}`) },
    {
      that: "a password in an address",
      text: openai(`kind: openai, base_url: "https://me:${secret}@host/v1"`),
    },
    { that: "a key in broken YAML", text: openai(`kind: openai, api_key: "${secret}" ${secret}`) },
    {
      that: "an environment value that does not fit",
      text: openai('kind: simulator, concurrency: "${SECRET}"'),
    },
    {
      that: "an environment value inside a longer text",
      text: openai('kind: openai, base_url: "x${SECRET}"'),
    },
    {
      that: "an environment value used as a name",
      text: edit(smallest, "pools: [small]", 'pools: ["${SECRET}"]'),
    },
    {
      that: "an environment value used twice",
      text: edit(smallest, "pools: [small]", 'pools: [small, "${SECRET}", "${SECRET}"]'),
    },
  ])("$that", ({ text }) => {
    expect(refused(text, { SECRET: secret }).join("\n")).not.toContain("very-secret");
  });

  test("the value of a variable, but which one it was", () => {
    expect(refused(openai('kind: simulator, concurrency: "${SECRET}"'), { SECRET: secret })).toEqual([
      'sluice.yaml:3:40 providers.sim.concurrency must be a positive integer, got the value of "${SECRET}"',
    ]);
  });
});
