import type { RunningServer } from "@sluice/embedded";
import postgres from "postgres";

/** What PostgreSQL has done for the bench's database so far. */
export interface PostgresCounts {
  readonly statements: number;
  readonly commits: number;
}

/** The heaviest statements by time, for who looks for what costs most. */
export interface StatementCost {
  readonly calls: number;
  readonly rows: number;
  readonly totalMs: number;
  readonly query: string;
}

/** Reads what PostgreSQL does. */
export interface PostgresGauge {
  counts(): Promise<PostgresCounts>;
  heaviest(limit: number): Promise<StatementCost[]>;
  /** Jobs that have not ended. */
  unfinishedJobs(): Promise<number>;
  close(): Promise<void>;
}

/** Turns on pg_stat_statements on a server that was just started; it has to be started again for that. */
export async function countStatements(server: RunningServer): Promise<void> {
  const sql = postgres(server.url, { max: 1, onnotice: () => undefined });
  await sql.unsafe("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
  await sql.end();
  await server.restart();
}

/** Connects a gauge to a database. */
export async function openPostgresGauge(url: string): Promise<PostgresGauge> {
  const sql = postgres(url, {
    max: 1,
    onnotice: () => undefined,
    connection: { application_name: "bench-gauge" },
  });
  await sql.unsafe("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
  const own = "query NOT LIKE '%pg_stat_%' AND query NOT LIKE '%/* bench */%'";
  return {
    async counts() {
      const [row] = await sql.unsafe<{ statements: string; commits: string }[]>(`
        SELECT coalesce((SELECT sum(calls) FROM pg_stat_statements s WHERE s.dbid = d.oid AND ${own}), 0) AS statements,
               pg_stat_get_db_xact_commit(d.oid) AS commits
        FROM pg_database d WHERE d.datname = current_database()`);
      return { statements: Number(row?.statements), commits: Number(row?.commits) };
    },
    async heaviest(limit) {
      const rows = await sql.unsafe<{ calls: string; rows: string; total: number; query: string }[]>(`
        SELECT calls, rows, total_exec_time AS total, left(regexp_replace(query, '\\s+', ' ', 'g'), 200) AS query
        FROM pg_stat_statements s JOIN pg_database d ON s.dbid = d.oid
        WHERE d.datname = current_database() AND ${own} ORDER BY total_exec_time DESC LIMIT ${limit}`);
      return rows.map((row) => ({
        calls: Number(row.calls),
        rows: Number(row.rows),
        totalMs: row.total,
        query: row.query,
      }));
    },
    async unfinishedJobs() {
      const [row] = await sql.unsafe<{ count: string }[]>(
        "SELECT count(*) AS count /* bench */ FROM live_jobs",
      );
      return Number(row?.count);
    },
    close: () => sql.end(),
  };
}
