import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's URL of the suite's PostgreSQL; its database is `postgres`. */
    postgresUrl: string;
    /** The suite's Redis, emptied before each test file. */
    redisUrl: string;
  }
}

/**
 * Makes a new, empty database on the suite's PostgreSQL and answers its URL. Only for `*.server.test.ts`.
 * Nothing needs to drop it: the server's data is deleted when the suite ends.
 */
export async function testPostgresUrl(): Promise<string> {
  const serverUrl = inject("postgresUrl");
  const name = `test_${randomBytes(8).toString("hex")}`;
  const sql = postgres(serverUrl, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(`CREATE DATABASE ${name}`);
  } finally {
    await sql.end();
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/**
 * The URL of the suite's Redis. Only for `*.server.test.ts`.
 * It is empty when a test file begins, and no other file runs at the same time, so FLUSHALL is allowed.
 */
export function testRedisUrl(): string {
  return inject("redisUrl");
}
