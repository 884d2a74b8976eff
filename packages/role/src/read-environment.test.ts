import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { readEnvironment } from "./read-environment.ts";

const needed = { DATABASE_URL: "postgres://user:password@db/sluice", REDIS_URL: "redis://redis:6379" };

const defaults = {
  databaseUrl: needed.DATABASE_URL,
  redisUrl: needed.REDIS_URL,
  configPath: resolve("sluice.yaml"),
  host: "127.0.0.1",
  port: undefined,
  publicUrl: undefined,
  filesUrl: pathToFileURL(resolve(".sluice/files")).href,
  s3Endpoint: undefined,
  s3Region: undefined,
  adminKey: undefined,
  workerConcurrency: 64,
  healthPort: undefined,
  otlpEndpoint: undefined,
  logLevel: "info",
  simulators: {},
};

const optional = [
  "SLUICE_DATA_DIR",
  "SLUICE_CONFIG",
  "SLUICE_HOST",
  "SLUICE_PORT",
  "SLUICE_PUBLIC_URL",
  "SLUICE_FILES_URL",
  "AWS_ENDPOINT_URL_S3",
  "AWS_ENDPOINT_URL",
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "SLUICE_ADMIN_KEY",
  "SLUICE_WORKER_CONCURRENCY",
  "SLUICE_HEALTH_PORT",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "LOG_LEVEL",
  "SLUICE_SIMULATORS",
];

describe("readEnvironment", () => {
  test("needs the two stores only", () => {
    expect(readEnvironment(needed)).toMatchObject(defaults);
    expect(readEnvironment(needed).hostname).not.toBe("");
  });

  test("takes every empty variable for an unset one", () => {
    const empty = Object.fromEntries(optional.map((name) => [name, ""]));
    expect(readEnvironment({ ...needed, ...empty })).toEqual(readEnvironment(needed));
  });

  test.each([
    ["SLUICE_DATA_DIR", "/data", { filesUrl: "file:///data/files" }],
    ["SLUICE_DATA_DIR", "with space", { filesUrl: pathToFileURL(resolve("with space/files")).href }],
    ["SLUICE_CONFIG", "/etc/sluice.yaml", { configPath: "/etc/sluice.yaml" }],
    ["SLUICE_CONFIG", "other.yaml", { configPath: resolve("other.yaml") }],
    ["SLUICE_HOST", "0.0.0.0", { host: "0.0.0.0" }],
    ["SLUICE_PORT", "0", { port: 0 }],
    ["SLUICE_PORT", "65535", { port: 65_535 }],
    ["SLUICE_PUBLIC_URL", "https://sluice.example/base", { publicUrl: "https://sluice.example/base" }],
    ["SLUICE_FILES_URL", "s3://bucket/prefix", { filesUrl: "s3://bucket/prefix" }],
    ["AWS_ENDPOINT_URL_S3", "http://s3:9000", { s3Endpoint: "http://s3:9000" }],
    ["AWS_ENDPOINT_URL", "http://s3:9000", { s3Endpoint: "http://s3:9000" }],
    ["AWS_REGION", "eu-central-1", { s3Region: "eu-central-1" }],
    ["AWS_DEFAULT_REGION", "eu-central-1", { s3Region: "eu-central-1" }],
    ["SLUICE_ADMIN_KEY", "0123456789abcdef", { adminKey: "0123456789abcdef" }],
    ["SLUICE_WORKER_CONCURRENCY", "1", { workerConcurrency: 1 }],
    ["SLUICE_HEALTH_PORT", "9000", { healthPort: 9_000 }],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318", { otlpEndpoint: "http://otel:4318" }],
    ["LOG_LEVEL", "debug", { logLevel: "debug" }],
    ["SLUICE_SIMULATORS", '{"sim":"http://127.0.0.1:1"}', { simulators: { sim: "http://127.0.0.1:1" } }],
  ])("reads %s=%s", (name, value, expected) => {
    expect(readEnvironment({ ...needed, [name]: value })).toEqual({
      ...readEnvironment(needed),
      ...expected,
    });
  });

  test.each([
    ["DATABASE_URL", undefined],
    ["DATABASE_URL", ""],
    ["REDIS_URL", undefined],
    ["REDIS_URL", ""],
    ["SLUICE_PORT", "65536"],
    ["SLUICE_PORT", "-1"],
    ["SLUICE_PORT", "80.5"],
    ["SLUICE_PORT", "http"],
    ["SLUICE_PORT", "0x50"],
    ["SLUICE_PORT", "1e3"],
    ["SLUICE_PORT", " 80"],
    ["SLUICE_WORKER_CONCURRENCY", "0"],
    ["SLUICE_WORKER_CONCURRENCY", "10001"],
    ["SLUICE_HEALTH_PORT", "x"],
    ["SLUICE_PUBLIC_URL", "sluice.example"],
    ["SLUICE_PUBLIC_URL", "ftp://sluice.example"],
    ["SLUICE_ADMIN_KEY", "0123456789abcde"],
    ["SLUICE_SIMULATORS", "{"],
    ["SLUICE_SIMULATORS", "null"],
    ["SLUICE_SIMULATORS", "[]"],
    ["SLUICE_SIMULATORS", '{"sim":1}'],
  ])("refuses %s=%s and names the variable", (name, value) => {
    expect(() => readEnvironment({ ...needed, [name]: value })).toThrow(new RegExp(`^${name} `));
  });

  test("repeats no key and no password in a refusal", () => {
    const attempts = [
      { ...needed, SLUICE_ADMIN_KEY: "SECRET" },
      { ...needed, REDIS_URL: "", DATABASE_URL: "postgres://u:SECRET@h/d" },
    ];
    for (const env of attempts) expect(() => readEnvironment(env)).toThrow(/^(?!.*SECRET)/s);
  });
});
