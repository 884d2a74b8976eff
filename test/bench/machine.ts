import { readFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { Redis } from "ioredis";
import postgres from "postgres";

/** Describes machine and versions in one line, without anything that names the machine. */
export async function describeMachine(redisUrl: string, postgresUrl: string): Promise<string> {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const cores = `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"})`;
  const versions = [
    `Node ${process.versions.node}`,
    `Redis ${await redisVersion(redisUrl)}`,
    `PostgreSQL ${await postgresVersion(postgresUrl)}`,
    `BullMQ ${versionOf("bullmq")}`,
  ];
  return [`${platform()} ${arch()}`, cores, memory, ...versions].join(", ");
}

async function redisVersion(url: string): Promise<string> {
  const redis = new Redis(url);
  const text = await redis.info("server");
  redis.disconnect();
  return /redis_version:(\S+)/.exec(text)?.[1] ?? "unknown";
}

async function postgresVersion(url: string): Promise<string> {
  const sql = postgres(url, { max: 1 });
  const [row] = await sql.unsafe<{ server_version: string }[]>("SHOW server_version");
  await sql.end();
  return row?.server_version ?? "unknown";
}

function versionOf(name: string): string {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
