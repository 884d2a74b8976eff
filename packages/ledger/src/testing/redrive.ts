import { type DeadLetter, idFromUuid, type JobId, type JobSpec } from "@sluice/domain";
import { bytesOf, startLine } from "./lines.ts";
import { ending, lineBytesOf, minute, type Setup, t0, tenant } from "./setup.ts";

/** All of a test's dead letters. */
export const page = { limit: 100, order: "asc" } as const;
/** What a dead line counts for in the error file. */
export const deadLineBytes = (customId: string) => bytesOf(customId, "attempts_exhausted");

/** Redrives with a deadline ten minutes ahead, or that of the batch. */
export function redrive({ ledger, source }: Setup, ids: readonly JobId[], on = ledger) {
  return on.redriveJobs({
    tenant,
    ids,
    now: t0 + minute,
    plan: ({ routing }: DeadLetter, batchExpiresAt) => {
      const deadlineAt = batchExpiresAt ?? t0 + 11 * minute;
      const id = idFromUuid("job", source.uuid());
      return {
        id,
        deadlineAt,
        effectiveDeadlineAt: deadlineAt - 1,
        routing: { ...routing, pools: ["large"] },
        candidateSet: "large",
      };
    },
    lineBytesOf,
  });
}

/** Lets the only attempt of a line end it as dead; the line counts with the bytes it has in the error file. */
export async function die(s: Setup, job: JobSpec) {
  const end = ending(await startLine(s, job), "dead", s.newIds());
  const lineBytes = job.batchLine === undefined ? 0 : deadLineBytes(job.batchLine.customId);
  if (end.next.kind !== "end") throw new Error("does not end");
  await s.ledger.settle([{ ...end, next: { ...end.next, lineBytes } }]);
}

/** A new job as its own specification, to be started. */
export async function specOf({ ledger }: Setup, id: JobId | undefined): Promise<JobSpec> {
  const job = await ledger.findJob(tenant, id ?? "job_");
  if (job === undefined) throw new Error("no job");
  return job;
}
