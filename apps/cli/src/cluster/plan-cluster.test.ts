import { existsSync } from "node:fs";
import { parseConfig } from "@sluice/config";
import { expect, test } from "vitest";
import type { ChildSpec } from "../supervisor/index.ts";
import { planCluster } from "./plan-cluster.ts";

const yaml = (providers: string): string => `
version: 1
providers:
${providers}
pools:
  small:
    targets: [ { id: a, provider: one, model: m, context_window: 1000, max_output_tokens: 100, endpoints: [/v1/chat/completions] } ]
models: { auto: { pools: [small] } }
sla_classes: { standard: { deadline: 1m, default: true } }
`;
const simulator =
  "  one: { kind: simulator, ttft_ms: 7, tokens_per_second: 9, requests_per_minute: 60, tokens_per_minute: 1000, concurrency: 3, error_rate: 0.5 }";
const context = { databaseUrl: "", redisUrl: "", adminKey: "an-admin-key-for-the-api", urls: {} };

async function plan(providers: string, workers = 2) {
  const parsed = parseConfig(yaml(providers), { file: "sluice.yaml", env: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return planCluster({ dataDir: "/data", configPath: "/etc/sluice.yaml", config: parsed.config, workers });
}

const envOf = (child: ChildSpec | undefined) =>
  typeof child?.env === "function" ? child.env(context) : child?.env;

test("each simulated provider is started first, with its own speed and limits", async () => {
  const { stages, simulators } = await plan(simulator);
  const [child] = stages[0] ?? [];
  const port = new URL(simulators["one"] ?? "").port;
  expect(child?.name).toBe("simulator-one");
  expect(child?.args.slice(1).join(" ")).toBe(
    `--name one --port ${port} --ttft-ms 7 --tokens-per-second 9 --error-rate 0.5 --requests-per-minute 60 --tokens-per-minute 1000 --concurrency 3`,
  );
});

test("a configured provider is never replaced by a simulated one", async () => {
  const { stages, simulators } = await plan('  one: { kind: openai, base_url: "http://127.0.0.1:9/v1" }');
  expect(simulators).toEqual({});
  expect(stages.flat().map(({ name }) => name)).toEqual([
    "worker-1",
    "worker-2",
    "dispatcher",
    "delivery",
    "api",
  ]);
});

test("every role knows the configuration and the simulators, has a health port of its own, and is a program that exists", async () => {
  const { stages, health, simulators } = await plan(simulator, 3);
  const roles = stages.slice(1).flat();
  expect(roles.map(({ name }) => name)).toEqual([
    "worker-1",
    "worker-2",
    "worker-3",
    "dispatcher",
    "delivery",
    "api",
  ]);
  for (const role of roles) {
    expect(envOf(role)).toMatchObject({
      SLUICE_CONFIG: "/etc/sluice.yaml",
      SLUICE_DATA_DIR: "/data",
      SLUICE_SIMULATORS: JSON.stringify(simulators),
    });
    expect(existsSync(role.args.at(-1) ?? "")).toBe(true);
  }
  const background = roles.filter(({ name }) => name !== "api");
  expect(background.map((role) => `http://127.0.0.1:${envOf(role)?.["SLUICE_HEALTH_PORT"]}`)).toEqual(
    Object.values(health),
  );
  expect(new Set(Object.values(health)).size).toBe(5);
});

test("only the api is given the admin key", async () => {
  const { stages } = await plan(simulator);
  const told = stages.flat().filter((child) => JSON.stringify(envOf(child) ?? {}).includes(context.adminKey));
  expect(told.map(({ name }) => name)).toEqual(["api"]);
});

test("names the pool of each target", async () => {
  expect((await plan(simulator)).pools).toEqual({ a: "small" });
});
