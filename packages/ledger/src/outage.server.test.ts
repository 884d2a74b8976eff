import { expect, test } from "vitest";
import { lineOf, minute, type Setup, setup, t0, tenant } from "./testing/setup.ts";

/** Ends every other session of the test's database, as a restart or a failover would. */
async function cutConnections({ sql }: Setup): Promise<void> {
  await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`;
}

test("after a loss of all connections the next calls make new ones", async () => {
  const s = await setup();
  const job = await s.accepted();
  await s.ledger.ping();
  for (let round = 0; round < 5; round += 1) {
    await cutConnections(s);
    // A call on a connection whose end has not been noticed yet may fail, and says why.
    const first = await s.ledger.findJob(tenant, job.id).then(
      (found) => found?.id,
      (error: { code: unknown }) => error.code,
    );
    expect([job.id, "ledger_unavailable"]).toContain(first);
    const again = s.ledger.findJob(tenant, job.id).catch(() => s.ledger.findJob(tenant, job.id));
    expect(await again).toMatchObject({ id: job.id });
  }
});

test("a batch whose connection is lost keeps no line, and can be inserted again", async () => {
  const s = await setup();
  const made = s.batch();
  await s.ledger.createBatch(made);
  await s.ledger.claimValidation(made.id, "v", minute);
  async function* lines(cut: boolean) {
    yield [s.spec({ batchLine: lineOf(made, 1) })];
    if (cut) await cutConnections(s);
    yield [s.spec({ batchLine: lineOf(made, 2) })];
  }
  const lost = s.ledger.insertLines(made.id, "v", lines(true), () => t0);
  await expect(lost).rejects.toMatchObject({ code: "ledger_unavailable" });
  expect(await s.sql`SELECT FROM jobs`).toHaveLength(0);
  expect(await s.ledger.insertLines(made.id, "v", lines(false), () => t0)).toEqual({ total: 2 });
});
