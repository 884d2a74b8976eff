import { type RunningServer, startPostgres, startRedis } from "@sluice/embedded";
import type { TestProject } from "vitest/node";
// Types what is provided here and injected there.
import "./servers.ts";

const running: RunningServer[] = [];

/** Starts one Redis and one PostgreSQL for all server tests of a run. */
export async function setup(project: TestProject): Promise<void> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres({ fast: true })]);
  running.push(redis, postgres);
  project.provide("redisUrl", redis.url);
  project.provide("postgresUrl", postgres.url);
}

/** Stops both and deletes their data. */
export async function teardown(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.close()));
}
