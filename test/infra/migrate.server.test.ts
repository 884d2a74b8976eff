import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import postgres from "postgres";
import { expect, test } from "vitest";
import { testPostgresUrl } from "../kit/servers.ts";

const repository = join(import.meta.dirname, "../..");

/** Runs what the image runs; answers the exit code and what it printed. */
async function runMigrate(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ["infra/docker/migrate.mjs"], { cwd: repository, env });
  let output = "";
  child.stdout.on("data", (bytes: Buffer) => {
    output += bytes.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

test("the image's migration makes the tables, and leaves them alone the second time", async () => {
  const url = await testPostgresUrl();
  const first = await runMigrate({ DATABASE_URL: url });
  const second = await runMigrate({ DATABASE_URL: url });
  const sql = postgres(url, { max: 1 });
  const tables = await sql`SELECT 1 FROM pg_tables WHERE tablename = 'jobs'`;
  await sql.end();
  expect(first).toMatchObject({ code: 0, output: expect.stringContaining("applied 0001_") });
  expect(second).toEqual({ code: 0, output: "the schema is up to date\n" });
  expect(tables).toHaveLength(1);
});

test("the image's migration fails without a database", async () => {
  const { code } = await runMigrate({});
  expect(code).toBe(1);
});
