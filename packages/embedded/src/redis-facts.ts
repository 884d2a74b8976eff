import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { request } from "node:http";
import type { RedisFacts } from "./choose-redis.ts";

/** Looks for redis-server, then valkey-server, on the PATH of this process. */
export function findRedisBinaries(): string[] {
  return ["redis-server", "valkey-server"].flatMap((name) => whereIs(name) ?? []);
}

function whereIs(program: string): string | undefined {
  try {
    return execFileSync("/bin/sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Whether this is a Debian or Ubuntu on which we may install packages. */
function canInstallWithApt(): boolean {
  return (
    process.platform === "linux" &&
    process.getuid?.() === 0 &&
    existsSync("/etc/debian_version") &&
    whereIs("apt-get") !== undefined
  );
}

const dockerSocket = "/var/run/docker.sock";
const dockerMs = 2_000;

/** Whether a Docker daemon answers on its usual socket. */
export function dockerAnswers(): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath: dockerSocket, path: "/_ping", timeout: dockerMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on("timeout", () => ping.destroy());
    ping.on("error", () => resolve(false));
    ping.end();
  });
}

/** Gathers the facts for chooseRedis; Docker is only asked when its answer can matter. */
export async function redisFacts(options: {
  redisUrl?: string | undefined;
  preferContainer: boolean;
}): Promise<RedisFacts> {
  const { redisUrl, preferContainer } = options;
  const binaries = findRedisBinaries();
  const canApt = binaries.length === 0 && canInstallWithApt();
  const askDocker = preferContainer || (binaries.length === 0 && !canApt);
  return { redisUrl, binaries, canApt, preferContainer, dockerAnswers: askDocker && (await dockerAnswers()) };
}
