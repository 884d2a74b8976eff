import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Transaction } from "./client.ts";
import { translateError } from "./ledger-error.ts";
import { ensurePartitions } from "./partitions.ts";

interface Migration {
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

const folder = new URL("../migrations/", import.meta.url);

function readMigrations(from: URL): Migration[] {
  const names = readdirSync(from).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name) => {
    const text = readFileSync(new URL(name, from), "utf8");
    return { name, text, sha256: createHash("sha256").update(text).digest("hex") };
  });
}

/**
 * Brings the database at `url` to the newest schema and makes the first partitions; answers the names of the files
 * that were applied. Any number of processes may call it at once: all of it happens in one transaction under an
 * advisory lock, so it holds through a transaction pooler and never stops half-way.
 * Throws when a file that was applied before has changed.
 */
export async function migrate(url: string, from: URL = folder): Promise<string[]> {
  const migrations = readMigrations(from);
  const sql = connect({ url, maxConnections: 1, applicationName: "sluice-migrate" });
  try {
    const applied = await sql.begin((transaction) => applyMissing(transaction, migrations));
    const [clock] = await sql<{ now: number }[]>`SELECT clock_timestamp() AS now`;
    if (clock !== undefined) await ensurePartitions(sql, clock.now);
    return applied;
  } catch (error) {
    throw translateError("migrate", error);
  } finally {
    await sql.end();
  }
}

async function applyMissing(transaction: Transaction, migrations: readonly Migration[]): Promise<string[]> {
  await transaction`SELECT pg_advisory_xact_lock(hashtext('sluice.migrations'))`;
  await transaction`
    CREATE TABLE IF NOT EXISTS schema_migrations (
      name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`;
  const rows = await transaction<
    { name: string; sha256: string }[]
  >`SELECT name, sha256 FROM schema_migrations`;
  const known = new Map(rows.map(({ name, sha256 }) => [name, sha256]));
  const missing: string[] = [];
  for (const { name, text, sha256 } of migrations) {
    const before = known.get(name);
    if (before === sha256) continue;
    if (before !== undefined) throw new Error(`migration ${name} was changed after it had been applied`);
    await transaction.unsafe(text);
    await transaction`INSERT INTO schema_migrations (name, sha256) VALUES (${name}, ${sha256})`;
    missing.push(name);
  }
  return missing;
}
