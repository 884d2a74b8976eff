import { describe, expect, test } from "vitest";
import { find, lineAt, startLine } from "./testing/lines.ts";
import { deadLineBytes, die, redrive, specOf } from "./testing/redrive.ts";
import { lineBytesOf, minute, type Setup, setup, success, t0, tenant } from "./testing/setup.ts";

describe("redriving lines of a batch", () => {
  test("the new job answers the line while the batch is unfinished, and the batch waits for it", async () => {
    const s = await setup();
    const { ledger, newIds } = s;
    const { batch, lines } = await s.runningBatch(3);
    const leader = await s.leaderEpoch();
    const [first, second, third] = [lineAt(lines, 1), lineAt(lines, 2), lineAt(lines, 3)];
    await die(s, first);
    await die(s, second);
    const [made] = await redrive(s, [first.id]);
    expect((await find(s, batch.id)).counts).toMatchObject({ dead: 1, errorBytes: deadLineBytes("line-2") });
    const errors = async () => (await ledger.readLines(batch.id, "error", 0, 10)).map(({ jobId }) => jobId);
    expect(await errors()).toEqual([second.id]);

    await ledger.settle([success(await startLine(s, third), newIds())]);
    expect(await ledger.finaliseBatches(leader, t0, newIds, lineBytesOf)).toEqual([]);
    const fresh = await specOf(s, made?.to);
    expect(fresh).toMatchObject({ batchLine: first.batchLine, deadlineAt: batch.expiresAt });
    await ledger.settle([success(await startLine(s, fresh), newIds(), "again", 77)]);
    expect(await ledger.finaliseBatches(leader, t0, newIds, lineBytesOf)).toMatchObject([
      { status: "completed" },
    ]);
    const { counts } = await find(s, batch.id);
    expect(counts).toMatchObject({ total: 3, succeeded: 2, dead: 1, outputBytes: 177 });
    const output = await ledger.readLines(batch.id, "output", 0, 10);
    expect(output.map(({ line, jobId }) => [line, jobId])).toEqual([
      [1, fresh.id],
      [3, third.id],
    ]);
    expect(await errors()).toEqual([second.id]);
  });

  test("a line that dies again stands once in the error file, and the file goes with its last line", async () => {
    const s = await setup();
    const { batch, lines } = await s.runningBatch(2);
    const line = lineAt(lines, 1);
    await die(s, line);
    const errorFile = async () => (await s.ledger.findFile(tenant, batch.errorFileId))?.bytes;
    expect(await errorFile()).toBe(deadLineBytes("line-1"));
    const [made] = await redrive(s, [line.id]);
    expect(await errorFile()).toBeUndefined();
    const fresh = await specOf(s, made?.to);
    await die(s, fresh);
    expect(await errorFile()).toBe(deadLineBytes("line-1"));
    expect((await find(s, batch.id)).counts).toMatchObject({ dead: 1 });
    expect(await s.ledger.readLines(batch.id, "error", 0, 10)).toMatchObject([{ jobId: fresh.id, line: 1 }]);
    expect(await redrive(s, [fresh.id])).toHaveLength(1);
  });

  test("a finished batch never changes: the new job is no line of it", async () => {
    const s = await setup();
    const { batch, lines } = await s.runningBatch(1);
    await die(s, lineAt(lines, 1));
    await s.ledger.finaliseBatches(await s.leaderEpoch(), t0, s.newIds, lineBytesOf);
    const before = await find(s, batch.id);
    const [made] = await redrive(s, [lineAt(lines, 1).id]);
    const fresh = await specOf(s, made?.to);
    expect(fresh).toMatchObject({ batchLine: undefined, deadlineAt: t0 + 11 * minute });
    await s.ledger.settle([success(await startLine(s, fresh), s.newIds())]);
    expect(await find(s, batch.id)).toEqual(before);
    expect(await s.ledger.readLines(batch.id, "error", 0, 10)).toMatchObject([
      { jobId: lineAt(lines, 1).id },
    ]);
  });

  test("a batch that is being cancelled is left to end first; cancelling takes redriven lines along", async () => {
    const s = await setup();
    const { ledger, newIds } = s;
    const { batch, lines } = await s.runningBatch(3);
    const [first, second, third] = [lineAt(lines, 1), lineAt(lines, 2), lineAt(lines, 3)];
    await die(s, first);
    await die(s, second);
    const running = await startLine(s, third);
    const [made] = await redrive(s, [first.id]);
    await ledger.cancelBatch(tenant, batch.id, t0, newIds, lineBytesOf);
    expect(await specOf(s, made?.to)).toMatchObject({
      state: "cancelled",
      failure: { code: "batch_cancelled" },
    });
    expect(await redrive(s, [second.id])).toEqual([]);
    await ledger.settle([success(running, newIds())]);
    await ledger.finaliseBatches(await s.leaderEpoch(), t0, newIds, lineBytesOf);
    expect(await find(s, batch.id)).toMatchObject({
      status: "cancelled",
      counts: { succeeded: 1, dead: 1, cancelled: 1 },
    });
    expect(await redrive(s, [second.id])).toHaveLength(1);
  });

  test("racing with the end of the batch either keeps it open or leaves it as it ended", async () => {
    const s = await setup();
    const other = s.open();
    const leader = await s.leaderEpoch();
    for (let round = 0; round < 30; round += 1) {
      const { batch, lines } = await s.runningBatch(1);
      await die(s, lineAt(lines, 1));
      const [[made], ended] = await Promise.all([
        redrive(s, [lineAt(lines, 1).id], round % 2 === 0 ? s.ledger : other),
        other.finaliseBatches(leader, t0, s.newIds, lineBytesOf),
      ]);
      const fresh = await specOf(s, made?.to);
      const { status, counts } = await find(s, batch.id);
      expect([ended.length, status, counts.dead, fresh.batchLine?.batchId]).toEqual(
        status === "completed" ? [1, "completed", 1, undefined] : [0, "in_progress", 0, batch.id],
      );
      await s.ledger.cancelJob(tenant, fresh.id, t0, s.newIds(), lineBytesOf);
      await s.ledger.finaliseBatches(leader, t0, s.newIds, lineBytesOf);
    }
  });

  test("an end that waited behind a redrive does not end the batch", async () => {
    const s = await setup();
    const leader = await s.leaderEpoch();
    const { batch, lines } = await s.runningBatch(1);
    await die(s, lineAt(lines, 1));
    // The redrive's own steps, so that the other statement begins while they are not committed.
    const key = batch.id.slice("batch_".length);
    let finalising: Promise<unknown> | undefined;
    await s.sql.begin(async (transaction) => {
      await transaction`SELECT FROM batches WHERE id = ${key} FOR UPDATE`;
      finalising = s.ledger.finaliseBatches(leader, t0, s.newIds, lineBytesOf);
      await untilBlocked(s);
      await transaction`
        INSERT INTO live_jobs (id, batch_id, line, effective_deadline_at, deadline_at, max_attempts, laned, on_miss,
          on_ambiguous, tenant_id, model)
        SELECT id, batch_id, line, effective_deadline_at, deadline_at, max_attempts, false, on_miss, on_ambiguous,
          tenant_id, model FROM jobs WHERE batch_id = ${key}`;
      await transaction`UPDATE batches SET redrives = redrives + 1 WHERE id = ${key}`;
    });
    expect(await finalising).toEqual([]);
    expect((await find(s, batch.id)).status).toBe("in_progress");
  });
});

/** Asks PostgreSQL until a statement of this database waits for a lock. */
async function untilBlocked({ sql }: Setup): Promise<void> {
  for (;;) {
    const [row] = await sql<{ blocked: number }[]>`
      SELECT count(*) AS blocked FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    if (row !== undefined && row.blocked > 0) return;
  }
}
