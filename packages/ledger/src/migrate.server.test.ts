import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { firstUuidAt, idFromUuid } from "@sluice/domain";
import { describe, expect, onTestFinished, test } from "vitest";
import { testPostgresUrl } from "../../../test/kit/servers.ts";
import { connect } from "./client.ts";
import { createLedger } from "./create-ledger.ts";
import { migrate } from "./migrate.ts";
import { setup, startOf, t0, tenant } from "./testing/setup.ts";

const day = 24 * 3600 * 1000;

function copyOfMigrations(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-migrations-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(new URL("../migrations/", import.meta.url), folder, { recursive: true });
  return folder;
}

describe("migrating", () => {
  test("many processes at once apply each file once", async () => {
    const url = await testPostgresUrl();
    const applied = await Promise.all(Array.from({ length: 8 }, () => migrate(url)));
    expect(applied.filter(({ length }) => length > 0)).toHaveLength(1);
    expect(applied.flat()[0]).toBe("0001_tenants_and_files.sql");
  });

  test("a later file is applied to a database that holds jobs; a file that fails leaves nothing behind", async () => {
    const url = await testPostgresUrl();
    const folder = copyOfMigrations();
    const from = pathToFileURL(`${folder}/`);
    await migrate(url, from);
    writeFileSync(join(folder, "9001_good.sql"), "CREATE TABLE good (id int)");
    writeFileSync(join(folder, "9002_bad.sql"), "CREATE TABLE bad (id int); SELECT nothing FROM nowhere");
    await expect(migrate(url, from)).rejects.toThrow(/ledger.migrate failed with 42P01/);
    const sql = connect({ url, maxConnections: 1 });
    onTestFinished(() => sql.end());
    expect(
      await sql`SELECT to_regclass('good') IS NULL AND to_regclass('bad') IS NULL AS clean`,
    ).toMatchObject([{ clean: true }]);
    rmSync(join(folder, "9002_bad.sql"));
    expect(await migrate(url, from)).toEqual(["9001_good.sql"]);
  });

  test("a file that was changed after it had been applied is an error that names it", async () => {
    const url = await testPostgresUrl();
    const folder = copyOfMigrations();
    await migrate(url);
    writeFileSync(join(folder, "0003_batches.sql"), "SELECT 1");
    await expect(migrate(url, pathToFileURL(`${folder}/`))).rejects.toThrow(/0003_batches.sql was changed/);
  });
});

describe("partitions", () => {
  test("exist from the week before to four weeks ahead, and making them again changes nothing", async () => {
    const { ledger, sql } = await setup();
    const count = async () => {
      const [row] = await sql<{ count: number }[]>`
        SELECT count(*) FROM pg_inherits WHERE inhparent = 'jobs'::regclass`;
      return row?.count ?? 0;
    };
    const before = await count();
    await ledger.ensurePartitions(t0 + 3650 * day);
    expect(await count()).toBe(before + 6);
    await Promise.all([1, 2, 3].map(() => ledger.ensurePartitions(t0 + 3650 * day)));
    expect(await count()).toBe(before + 6);
  });

  test("a job of any time finds a place, and a week that has begun in the default partition stays there", async () => {
    const { ledger, accepted, load, started } = await setup();
    const at = t0 - 3650 * day;
    const job = await accepted({ id: idFromUuid("job", firstUuidAt(at + 5)) });
    await ledger.ensurePartitions(at);
    const again = await started({ id: idFromUuid("job", firstUuidAt(at + 6)) });
    expect(await load(job)).toMatchObject(job);
    expect(await ledger.findJob(tenant, again.job.id)).toMatchObject({ state: "running" });
  });

  test("keep the settings and indexes of their table", async () => {
    const { sql } = await setup();
    const names = await sql<{ name: string; options: string; indexes: number; external: boolean }[]>`
      SELECT c.relname AS name, coalesce(array_to_string(c.reloptions, ','), '') AS options,
        (SELECT count(*) FROM pg_index WHERE indrelid = c.oid) AS indexes,
        EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'body' AND attstorage = 'e') AS external
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE inhparent IN ('jobs'::regclass, 'attempts'::regclass) AND c.relname NOT LIKE '%default'`;
    expect(names.length).toBeGreaterThanOrEqual(12);
    for (const { name, options, indexes, external } of names) {
      const expected = name.startsWith("jobs") ? ["fillfactor=100", 4, true] : ["fillfactor=80", 3, false];
      expect([options, indexes, external]).toEqual(expected);
    }
  });

  test("a lookup by id, a batch's lines and a settlement touch only the partitions of their time", async () => {
    const { sql, accepted, register, ledger } = await setup();
    const job = await accepted();
    const worker = await register();
    await ledger.startAttempts([startOf(job, worker, 0)]);
    const scanned = async (query: string) => {
      const plan = await sql.unsafe<{ queryPlan: string }[]>(`EXPLAIN ${query}`);
      return plan.flatMap((line) =>
        [
          ...Object.values(line)
            .join()
            .matchAll(/ on ((?:jobs|attempts|outcomes)_(?:default|\d{8}))\b/g),
        ].map((m) => m[1]),
      );
    };
    const uuid = job.id.slice(4);
    expect(await scanned(`SELECT * FROM jobs WHERE id = '${uuid}'`)).toHaveLength(1);
    expect(await scanned(`SELECT * FROM outcomes WHERE job_id = ANY('{${uuid}}'::uuid[])`)).toHaveLength(1);
    expect(await scanned(`SELECT * FROM attempts WHERE job_id BETWEEN '${uuid}' AND '${uuid}'`)).toHaveLength(
      1,
    );
    const all = await scanned("SELECT * FROM jobs");
    const later = firstUuidAt(Date.now() + 14 * day);
    const lines = await scanned(`SELECT * FROM jobs WHERE batch_id = '${later}' AND id > '${later}'`);
    expect(lines.length).toBeLessThan(all.length);
  });
});

test("an unreachable ledger says so, and ping tells it", async () => {
  const ledger = createLedger({ url: "postgres://nobody@127.0.0.1:1/none", maxConnections: 1 });
  onTestFinished(() => ledger.close());
  await expect(ledger.ping()).rejects.toMatchObject({ code: "ledger_unavailable" });
});
