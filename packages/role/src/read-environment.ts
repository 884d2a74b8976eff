import { hostname } from "node:os";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** What a role reads of the environment (docs/configuration.md). */
export interface RoleEnvironment {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly configPath: string;
  /** Address to listen on. */
  readonly host: string;
  /** Port of the API; `undefined` for the default or the next free one. */
  readonly port: number | undefined;
  readonly publicUrl: string | undefined;
  /** `file:///dir` or `s3://bucket/prefix`. */
  readonly filesUrl: string;
  readonly adminKey: string | undefined;
  readonly workerConcurrency: number;
  readonly healthPort: number | undefined;
  readonly otlpEndpoint: string | undefined;
  readonly logLevel: string;
  readonly hostname: string;
  /** Base URL of each running simulator by the provider's name. */
  readonly simulators: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks the variables a role needs. Throws a sentence that names the variable at fault. */
export function readEnvironment(env: Environment): RoleEnvironment {
  const dataDir = resolve(env.SLUICE_DATA_DIR ?? ".sluice");
  return {
    databaseUrl: required(env, "DATABASE_URL", "a PostgreSQL URL such as postgres://user:password@host/sluice"),
    redisUrl: required(env, "REDIS_URL", "a Redis URL such as redis://host:6379"),
    configPath: resolve(env.SLUICE_CONFIG ?? "sluice.yaml"),
    host: env.SLUICE_HOST ?? "127.0.0.1",
    port: integer(env, "SLUICE_PORT", 0, 65_535),
    publicUrl: env.SLUICE_PUBLIC_URL,
    filesUrl: env.SLUICE_FILES_URL ?? pathToFileURL(resolve(dataDir, "files")).href,
    adminKey: adminKey(env),
    workerConcurrency: integer(env, "SLUICE_WORKER_CONCURRENCY", 1, 10_000) ?? 64,
    healthPort: integer(env, "SLUICE_HEALTH_PORT", 0, 65_535),
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    logLevel: env.LOG_LEVEL ?? "info",
    hostname: hostname(),
    simulators: simulators(env.SLUICE_SIMULATORS),
  };
}

function required(env: Environment, name: string, what: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set; it must be ${what}`);
  return value;
}

function integer(env: Environment, name: string, least: number, most: number): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name} must be a whole number from ${least} to ${most}, got "${text}"`);
}

function adminKey(env: Environment): string | undefined {
  const key = env.SLUICE_ADMIN_KEY;
  if (key === undefined || key === "") return undefined;
  if (key.length < 16) throw new Error("SLUICE_ADMIN_KEY must have at least 16 characters");
  return key;
}

function simulators(text: string | undefined): Record<string, string> {
  if (text === undefined || text === "") return {};
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    throw new Error("SLUICE_SIMULATORS must be a JSON object of provider names and URLs");
  }
}
