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
  /** Address of a server that speaks as S3 does; `undefined` for AWS. */
  readonly s3Endpoint: string | undefined;
  /** `undefined` leaves it to the AWS SDK. */
  readonly s3Region: string | undefined;
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

/** Reads and checks the variables a role needs; an empty one is an unset one. Throws a sentence that names the variable at fault. */
export function readEnvironment(env: Environment): RoleEnvironment {
  const dataDir = resolve(text(env, "SLUICE_DATA_DIR") ?? ".sluice");
  return {
    databaseUrl: required(
      env,
      "DATABASE_URL",
      "a PostgreSQL URL such as postgres://user:password@host/sluice",
    ),
    redisUrl: required(env, "REDIS_URL", "a Redis URL such as redis://host:6379"),
    configPath: resolve(text(env, "SLUICE_CONFIG") ?? "sluice.yaml"),
    host: text(env, "SLUICE_HOST") ?? "127.0.0.1",
    port: integer(env, "SLUICE_PORT", 0, 65_535),
    publicUrl: publicUrl(env),
    filesUrl: text(env, "SLUICE_FILES_URL") ?? pathToFileURL(resolve(dataDir, "files")).href,
    s3Endpoint: text(env, "AWS_ENDPOINT_URL_S3") ?? text(env, "AWS_ENDPOINT_URL"),
    s3Region: text(env, "AWS_REGION") ?? text(env, "AWS_DEFAULT_REGION"),
    adminKey: adminKey(env),
    workerConcurrency: integer(env, "SLUICE_WORKER_CONCURRENCY", 1, 10_000) ?? 64,
    healthPort: integer(env, "SLUICE_HEALTH_PORT", 0, 65_535),
    otlpEndpoint: text(env, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    logLevel: logLevel(env),
    hostname: hostname(),
    simulators: simulators(env),
  };
}

/** The least level that is logged. */
export function logLevel(env: Environment): string {
  return text(env, "LOG_LEVEL") ?? "info";
}

/** A variable's value. Compose files and shells set empty ones where they mean none. */
function text(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === "" ? undefined : value;
}

function required(env: Environment, name: string, what: string): string {
  const value = text(env, name);
  if (value === undefined) throw new Error(`${name} is not set; it must be ${what}`);
  return value;
}

function integer(env: Environment, name: string, least: number, most: number): number | undefined {
  const value = text(env, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && number <= most) return number;
  throw new Error(`${name} must be a whole number from ${least} to ${most}, got "${value}"`);
}

function publicUrl(env: Environment): string | undefined {
  const value = text(env, "SLUICE_PUBLIC_URL");
  if (value === undefined || /^https?:$/.test(URL.parse(value)?.protocol ?? "")) return value;
  throw new Error(`SLUICE_PUBLIC_URL must be an absolute http or https URL, got "${value}"`);
}

function adminKey(env: Environment): string | undefined {
  const key = text(env, "SLUICE_ADMIN_KEY");
  if (key !== undefined && key.length < 16)
    throw new Error("SLUICE_ADMIN_KEY must have at least 16 characters");
  return key;
}

function simulators(env: Environment): Record<string, string> {
  const value = text(env, "SLUICE_SIMULATORS");
  const urls = value === undefined ? {} : parsed(value);
  if (typeof urls === "object" && urls !== null && !Array.isArray(urls)) {
    if (Object.values(urls).every((url) => typeof url === "string")) return urls as Record<string, string>;
  }
  throw new Error("SLUICE_SIMULATORS must be a JSON object of provider names and URLs");
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
