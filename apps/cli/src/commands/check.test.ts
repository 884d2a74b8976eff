// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} in plain text is what configurations have.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type TestContext, testContext } from "../fake-api.fixture.ts";
import { runProgram } from "../program.ts";

const valid = `version: 1
providers:
  sim: { kind: simulator, requests_per_minute: 600 }
pools:
  small:
    targets:
      - { id: t1, provider: sim, model: m, region: us }
  large:
    targets:
      - { id: t2, provider: sim, model: m, limits: { concurrency: 8 } }
models:
  auto:
    pools: [small]
    rules:
      - { when: "has(request.tools)", pools: [large] }
    fallback: [large]
`;

let context: TestContext;
afterEach(() => context.remove());

async function check(text: string, ...flags: string[]) {
  context = testContext();
  writeFileSync(join(context.folder, "my.yaml"), text);
  const code = await runProgram(context, ["check", "my.yaml", ...flags]);
  return { code, ...context.written() };
}

const edit = (from: string, to: string) => {
  expect(valid.split(from)).toHaveLength(2);
  return valid.replace(from, () => to);
};

test("a valid configuration is summed up, without a cluster: exit code 0", async () => {
  const { code, out, err } = await check(valid);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(/^my\.yaml is valid \(hash [0-9a-f]{12}\)/);
  expect(out).toContain("small  t1      sim       m      600 requests/min");
  expect(out).toContain("large  t2      sim       m      8 at a time");
  expect(out).toContain("auto   small  1 rule  large     balanced");
});

/** Line and column, key, what is wrong and what to do, all in one line. */
test.each([
  [
    "a mistyped key",
    edit("requests_per_minute", "requests_per_min"),
    /^my\.yaml:3:27 providers\.sim\.requests_per_min: unknown key "requests_per_min", did you mean "requests_per_minute"\?$/,
  ],
  [
    "a limit in words",
    edit("concurrency: 8", "concurrency: many"),
    /^my\.yaml:10:67 pools\.large\.targets\[0\]\.limits\.concurrency must be a positive integer, got "many"$/,
  ],
  [
    "an unknown provider",
    edit("id: t2, provider: sim", "id: t2, provider: smi"),
    /^my\.yaml:10:29 pools\.large\.targets\[0\]\.provider names an unknown provider, got "smi", did you mean "sim"\?$/,
  ],
  [
    "an unknown pool",
    edit("pools: [small]\n", "pools: [smal]\n"),
    /^my\.yaml:13:13 models\.auto\.pools\[0\] names an unknown pool, got "smal", did you mean "small"\?$/,
  ],
  [
    "an unknown policy",
    edit("    fallback", "    policy: fastst\n    fallback"),
    /^my\.yaml:16:13 models\.auto\.policy names an unknown policy, got "fastst", did you mean "fastest"\?$/,
  ],
  [
    "a repeated target",
    edit("id: t2", "id: t1"),
    /^my\.yaml:10:15 pools\.large\.targets\[0\]\.id repeats "t1" of pools\.small\.targets\[0\]\.id$/,
  ],
  [
    "a repeated fallback",
    edit("fallback: [large]", "fallback: [large, large]"),
    /^my\.yaml:16:23 models\.auto\.fallback\[1\] repeats "large" of models\.auto\.fallback\[0\]$/,
  ],
  [
    "a rule that cannot be read",
    edit('"has(request.tools)"', '"has(request.tools"'),
    /^my\.yaml:15:17 models\.auto\.rules\[0\]\.when is no usable CEL expression: .* it may read request, tenant, job and signals$/,
  ],
  [
    "a rule on an unknown field",
    edit('"has(request.tools)"', '"tenant.tag == 1"'),
    /^my\.yaml:15:17 models\.auto\.rules\[0\]\.when is no usable CEL expression: No such key: tag \(character 8\)/,
  ],
  [
    "a rule behind one that always matches",
    edit("    rules:\n", '    rules:\n      - { when: "true" }\n'),
    /^my\.yaml:16:17 models\.auto\.rules\[1\]\.when can never match, because models\.auto\.rules\[0\] always does: move it before that one or remove it$/,
  ],
  [
    "a rule that never matches",
    edit('"has(request.tools)"', '"1 > 2"'),
    /^my\.yaml:15:17 models\.auto\.rules\[0\]\.when never matches: remove the rule or change when$/,
  ],
  [
    "signals of no target",
    edit('"has(request.tools)"', '"signals.t9.paused"'),
    /^my\.yaml:15:17 models\.auto\.rules\[0\]\.when reads signals of "t9", .*did you mean "t1"\?$/,
  ],
  [
    "an alias without an endpoint",
    `${edit("region: us", "endpoints: []")}  mute: { pools: [small] }\n`,
    /^my\.yaml:17:3 models\.mute has no target that serves any endpoint: name endpoints in a target of its pools$/,
  ],
  [
    "an unset variable",
    edit("model: m, region", 'model: "${NOT_SET}", region'),
    /^my\.yaml:7:41 pools\.small\.targets\[0\]\.model needs the environment variable NOT_SET, which is not set: set it or write \$\{NOT_SET:-default\}$/,
  ],
  [
    "broken YAML",
    edit("  auto:\n", "\tauto:\n"),
    /^my\.yaml:12:1 is not valid YAML: indent with spaces, not with tabs$/,
  ],
])("%s: exit code 1, and the line, the key and what to do", async (_, text, expected) => {
  const { code, err, out } = await check(text);
  expect(code).toBe(1);
  expect(err.trimEnd()).toMatch(expected);
  expect(out).toBe("my.yaml cannot be used: 1 error\n");
});

/** The file can be used, but not all of it does what it says. */
test.each([
  [
    "a pool that no alias reaches",
    `${edit("pools: [large] }", "require: { region: us } }").replace("    fallback: [large]\n", "")}`,
    "my.yaml:8:3 pools.large is reached by no model: name it in the pools of one, or remove it",
  ],
  [
    "a region in which no target is",
    edit("pools: [large] }", "require: { region: eu } }"),
    'my.yaml:15:58 models.auto.rules[0].require.region requires region "eu", which no target of its pools has (they have us): such jobs will die; state it in a target or change the rule',
  ],
  [
    "an endpoint that a rule leaves to nobody",
    edit("limits: { concurrency: 8 }", "endpoints: [/v1/embeddings]"),
    "my.yaml:15:9 models.auto.rules[0] leaves no target for /v1/chat/completions, /v1/completions, /v1/responses, /v1/moderations, /v1/messages, which the model serves without it: such jobs will die; add a pool or a fallback that serves it",
  ],
])("%s is a warning: exit code 0, 1 with --strict", async (_, text, warning) => {
  const { code, err } = await check(text);
  expect({ code, err }).toEqual({ code: 0, err: `warning: ${warning}\n` });
  context.remove();
  expect((await check(text, "--strict")).code).toBe(1);
});

test("--json lists errors and warnings with their places", async () => {
  const { code, out } = await check(
    edit("provider: sim, model: m, limits", "provider: smi, model: m, limits"),
    "--json",
  );
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    errors: [{ file: "my.yaml", line: 10, column: 29, path: "pools.large.targets[0].provider" }],
    warnings: [],
  });
});

test("a file that is not there is an error", async () => {
  context = testContext();
  expect(await runProgram(context, ["check", "none.yaml"])).toBe(1);
  expect(context.written().err).toBe("none.yaml:1:1 cannot be read: there is no such file\n");
});
