import { firstUuidAt } from "@sluice/domain";
import type { Sql, Transaction } from "./client.ts";

const weekMs = 7 * 24 * 3600 * 1000;
/** 1970-01-05, a Monday. */
const firstMondayMs = 4 * 24 * 3600 * 1000;
const weeksAhead = 4;

/** Each partitioned table with the column of its bounds; attempts are updated once, so they keep room in the page. */
const tables = [
  { table: "jobs", key: "id", fillfactor: 100 },
  { table: "attempts", key: "job_id", fillfactor: 80 },
  { table: "decisions", key: "job_id", fillfactor: 100 },
  { table: "outcomes", key: "job_id", fillfactor: 100 },
  { table: "first_waits", key: "job_id", fillfactor: 100 },
  { table: "feedback", key: "job_id", fillfactor: 100 },
  { table: "deleted_responses", key: "job_id", fillfactor: 100 },
  { table: "stream_events", key: "job_id", fillfactor: 100 },
] as const;

type Partitioned = (typeof tables)[number];

interface Week {
  /** Date of its Monday, e.g. `20261116`. */
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

function weekOf(epochMs: number, offset: number): Week {
  const start = firstMondayMs + (Math.floor((epochMs - firstMondayMs) / weekMs) + offset) * weekMs;
  const name = new Date(start).toISOString().slice(0, 10).replaceAll("-", "");
  return { name, from: firstUuidAt(start), to: firstUuidAt(start + weekMs) };
}

/**
 * Makes the partitions of the week of `now`, the one before and the 4 after. Any number of processes may do so at
 * once. A week that already has rows in the default partition stays there.
 */
export async function ensurePartitions(sql: Sql, now: number): Promise<void> {
  const weeks = Array.from({ length: weeksAhead + 2 }, (_, index) => weekOf(now, index - 1));
  const wanted = tables.flatMap(({ table }) => weeks.map(({ name }) => `${table}_${name}`));
  const [found] = await sql<{ missing: number }[]>`
    SELECT count(*) FILTER (WHERE to_regclass(name) IS NULL) AS missing
    FROM unnest(${`{${wanted.join(",")}}`}::text[]) AS name`;
  if (found?.missing === 0) return;
  for (const week of weeks) {
    for (const each of tables) await sql.begin((transaction) => ensurePartition(transaction, week, each));
  }
}

/** One transaction for each: attaching locks the default partition, which no reader should wait for long. */
async function ensurePartition(
  transaction: Transaction,
  week: Week,
  { table, key, fillfactor }: Partitioned,
) {
  await transaction`SELECT pg_advisory_xact_lock(hashtext('sluice.partitions'))`;
  const name = `${table}_${week.name}`;
  const [state] = await transaction.unsafe<{ exists: boolean; taken: boolean }[]>(`
    SELECT to_regclass('${name}') IS NOT NULL AS exists, EXISTS (
      SELECT FROM ${table}_default WHERE ${key} >= '${week.from}' AND ${key} < '${week.to}') AS taken`);
  if (state === undefined || state.exists || state.taken) return;
  // Behind a long reader it gives up (the dispatcher asks again) rather than make all others queue behind it.
  await transaction`SET LOCAL lock_timeout = '5s'`;
  // Made apart and then attached: that lets reads and writes of the other partitions go on.
  await transaction.unsafe(`
    CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL) WITH (fillfactor = ${fillfactor});
    ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${week.from}') TO ('${week.to}')`);
}
