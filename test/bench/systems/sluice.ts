import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createDatabase } from "@sluice/embedded";
import { migrate } from "@sluice/ledger";
import { laneQueue } from "@sluice/redis";
import { type BenchProcess, startProcess } from "../bench-process.ts";
import { cpuMsOfTree } from "../measure/cpu-time.ts";
import { openPostgresGauge } from "../measure/postgres-gauge.ts";
import { openRedisGauge } from "../measure/redis-gauge.ts";
import { benchModel, limitedModel } from "../prompts.ts";
import { callsPerMinute, cpuByName, type System, type SystemGround } from "./system.ts";

const adminKey = "bench-admin-key-0123456789";
/** The baseline's worker has as many. */
const workerConcurrency = "100";

/** Starts Sluice (one API, dispatcher and delivery; the worker later) on a new database and an emptied Redis. */
export async function startSluice(ground: SystemGround): Promise<System> {
  const { redis, postgres, upstream, folder } = ground;
  const databaseUrl = await createDatabase(postgres);
  await migrate(databaseUrl);
  const gauges = { redis: openRedisGauge(redis.url), postgres: await openPostgresGauge(databaseUrl) };
  await gauges.redis.empty();
  const processes: BenchProcess[] = [];
  const start = async (name: "api" | "dispatcher" | "worker" | "delivery"): Promise<BenchProcess> => {
    const program = `apps/${name}/src/main.ts`;
    const env = environment(ground, databaseUrl);
    const started = await startProcess({
      name,
      program,
      env,
      logFolder: folder,
      profileFolder: ground.profile ? folder : undefined,
    });
    processes.push(started);
    return started;
  };
  writeConfig(folder, upstream.origin);
  const api = await start("api");
  await start("dispatcher");
  await start("delivery");
  const { prefix, name } = laneQueue(benchModel);
  return {
    name: "sluice",
    url: `${api.url}/v1/jobs`,
    headers: { authorization: `Bearer ${adminKey}` },
    ...gauges,
    startWorker: async () => void (await start("worker")),
    // The limit stands in its configuration from the start.
    limitCalls: async () => undefined,
    unfinished: () => gauges.postgres.unfinishedJobs(),
    queuedInRedis: () => gauges.redis.waiting(`${prefix}:${name}`),
    cpuMs: () =>
      cpuByName(processes, {
        redis: () => cpuMsOfTree(redis.pid ?? 0),
        postgres: () => cpuMsOfTree(postgres.pid ?? 0),
      }),
    async stop() {
      for (const process of processes.toReversed()) await process.stop();
      gauges.redis.close();
      await gauges.postgres.close();
    },
  };
}

function environment({ redis, folder }: SystemGround, databaseUrl: string): Record<string, string> {
  const files = join(folder, "files");
  mkdirSync(files, { recursive: true });
  return {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redis.url,
    SLUICE_CONFIG: configPath(folder),
    SLUICE_FILES_URL: pathToFileURL(files).href,
    SLUICE_ADMIN_KEY: adminKey,
    SLUICE_PORT: "0",
    SLUICE_WORKER_CONCURRENCY: workerConcurrency,
    LOG_LEVEL: "warn",
  };
}

function configPath(folder: string): string {
  return join(folder, "sluice.yaml");
}

/**
 * One pool with one target that has limits of every common kind, so that reserving is really done, but wide ones; and
 * another whose limit is soon full.
 */
function writeConfig(folder: string, upstream: string): void {
  const text = `version: 1
providers:
  upstream: { kind: openai, base_url: "${upstream}/v1", api_key: not-a-secret }
pools:
  ${benchModel}:
    targets:
      - id: ${benchModel}
        provider: upstream
        model: sim
        limits: { requests_per_minute: 10000000, tokens_per_minute: 10000000000, concurrency: 1000 }
        price: { input: 0.15, output: 0.60 }
  ${limitedModel}:
    targets:
      - { id: ${limitedModel}, provider: upstream, model: sim, limits: { requests_per_minute: ${callsPerMinute} } }
models:
  ${benchModel}: { pools: [${benchModel}] }
  ${limitedModel}: { pools: [${limitedModel}] }
sla_classes:
  standard: { deadline: 1h, default: true, on_miss: best_effort }
  batch: { deadline: 24h }
`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(configPath(folder), text);
}
