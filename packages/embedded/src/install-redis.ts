import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { howToGetRedis } from "./choose-redis.ts";
import { findRedisBinaries } from "./redis-facts.ts";

/** Debian's scripts ask this program before they start a service; 101 means "not allowed". */
const servicePolicy = "/usr/sbin/policy-rc.d";

/**
 * Installs redis-server (or valkey-server) with apt without starting its system service, and answers the path of
 * the binary. Throws with the end of apt's output when that fails.
 */
export function installRedisWithApt(log: (line: string) => void): string {
  log("Redis is not installed: installing it with apt-get.");
  apt(["update"]);
  withoutStartingServices(() => {
    try {
      apt(["install", "--yes", "--no-install-recommends", "redis-server"]);
    } catch {
      apt(["install", "--yes", "--no-install-recommends", "valkey-server"]);
    }
  });
  const path = findRedisBinaries()[0];
  if (path === undefined) throw new Error(howToGetRedis);
  return path;
}

function apt(args: readonly string[]): void {
  try {
    // `env` keeps the rest of the environment, where a proxy may be set.
    execFileSync("env", ["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", ...args], { stdio: "pipe" });
  } catch (error) {
    const output = String((error as { stderr?: Buffer }).stderr ?? "")
      .trimEnd()
      .split("\n")
      .slice(-3)
      .join("\n");
    throw new Error(`apt-get ${args[0]} failed. ${howToGetRedis}\n${output}`, { cause: error });
  }
}

function withoutStartingServices(install: () => void): void {
  const ours = !existsSync(servicePolicy); // the machine may have a policy of its own
  if (ours) writeFileSync(servicePolicy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    install();
  } finally {
    if (ours) rmSync(servicePolicy, { force: true });
  }
}
