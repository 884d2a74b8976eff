import { uuidOf } from "@sluice/domain";
import { expect, test } from "vitest";
import { lineBytesOf, setup, t0, tenant } from "./testing/setup.ts";

test("a job that is cancelled while its attempt is being started leaves no attempt open", async () => {
  const { ledger, sql, accepted, register, newIds } = await setup();
  const job = await accepted();
  const worker = uuidOf("worker", await register());
  const id = uuidOf("job", job.id);
  let cancelling: Promise<unknown> | undefined;
  // What `startAttempts` does, held between its steps until the cancelling waits for it.
  await sql.begin(async (start) => {
    await start`UPDATE live_jobs SET state = 'running', epoch = 1, attempts = 1, worker_id = ${worker} WHERE id = ${id}`;
    cancelling = ledger.cancelJob(tenant, job.id, t0, newIds(), lineBytesOf);
    for (let waits = 0; waits === 0; ) {
      const rows = await sql<{ waits: number }[]>`
        SELECT count(*) AS waits FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
      waits = rows[0]?.waits ?? 0;
    }
    await start`INSERT INTO attempts (job_id, epoch, worker_id, target_id, started_at)
      VALUES (${id}, 1, ${worker}, 'small-a', ${t0})`;
  });
  expect(await cancelling).toMatchObject({ state: "cancelled", epoch: 1 });
  expect(await ledger.listAttempts(tenant, job.id)).toMatchObject([
    { epoch: 1, outcome: "fenced", endedAt: t0 },
  ]);
});
