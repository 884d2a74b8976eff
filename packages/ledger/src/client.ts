import postgres from "postgres";
import { isRolledBack } from "./ledger-error.ts";

/** Times are ms since 1970, bigint and numeric are numbers, columns are camelCase. */
const types = {
  moment: {
    to: 1184,
    from: [1184],
    serialize: (epochMs: number) => new Date(epochMs).toISOString(),
    // PostgreSQL writes `2026-11-20 15:04:05.123456+00`: the session's zone is UTC.
    parse: (text: string) => Date.parse(`${text.slice(0, 10)}T${text.slice(11, 23).replace(/[+].*/, "")}Z`),
  },
  bigint: { to: 20, from: [20], serialize: String, parse: Number },
  numeric: { to: 1700, from: [1700], serialize: String, parse: Number },
};

export interface ClientOptions {
  readonly url: string;
  readonly maxConnections: number;
  readonly applicationName?: string;
}

/** A pool of connections. Nothing is sent before the first statement. */
export function connect({ url, maxConnections, applicationName = "sluice" }: ClientOptions) {
  return postgres(url, {
    max: maxConnections,
    types,
    // Array parameters are written by columns.ts, so the catalogue of types need not be read on each connection.
    fetch_types: false,
    ...session(url, { application_name: applicationName, TimeZone: "UTC" }),
    transform: { undefined: null, column: { from: postgres.toCamel } },
    connect_timeout: 10,
    // The default backs off to 20 s; a restarted server should be found again at once.
    backoff: (attempt: number) => Math.min(2, 0.1 * 2 ** attempt),
    onnotice: () => undefined,
  });
}

/**
 * Named statements are planned once, which is a third of a flush's cost. A plan made while a table was empty would
 * scan it; every statement here has an index to go by, so scans are made dear. `?prepare=false` in the URL is for a
 * transaction pooler, which knows neither named statements nor settings of a session.
 */
function session(url: string, connection: Record<string, string>) {
  if (/[?&]prepare=false(&|$)/.test(url)) return { prepare: false, connection };
  return { prepare: true, connection: { ...connection, options: "-c enable_seqscan=off" } };
}

/** For `sql.unsafe` statements that run again and again with one text. */
export const named = { prepare: true } as const;

export type Sql = ReturnType<typeof connect>;
export type Transaction = postgres.TransactionSql<Sql extends postgres.Sql<infer Types> ? Types : never>;

/** Runs one statement again, at most 5 times in all, when PostgreSQL rolled it back because of another one. */
export async function retrying<T>(statement: () => PromiseLike<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await statement();
    } catch (error) {
      if (attempt === 5 || !isRolledBack(error)) throw error;
    }
  }
}
