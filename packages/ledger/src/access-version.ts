import type { Sql, Transaction } from "./client.ts";

/** Tells every process that tenants or keys have changed, when the transaction commits. */
export async function changeAccess(transaction: Transaction): Promise<void> {
  await transaction`UPDATE access_version SET version = version + 1`;
}

/** See the port. */
export async function accessVersion(sql: Sql): Promise<number> {
  const [row] = await sql<{ version: number }[]>`SELECT version FROM access_version`;
  return row?.version ?? 0;
}
