import { type BatchView, isEndedJob, type JobView, whyStopped } from "../api/views.ts";
import { count, table, usd } from "../format.ts";

/** A job as lines of names and values. */
export function showJob(job: JobView): string {
  const rows: [string, string | undefined][] = [
    ["id", job.id],
    ["status", job.status],
    ["model", job.model],
    ["endpoint", job.endpoint],
    ["batch", job.batch_id],
    ["sla", `${job.sla}, priority ${job.priority}`],
    ["created", job.created_at],
    ["deadline", job.deadline],
    ["attempts", job.attempts === undefined ? undefined : String(job.attempts)],
    ["not before", job.not_before],
    ["waiting for", job.waiting_for],
    ["finished", job.finished_at ?? undefined],
    ["target", job.target ?? undefined],
    ["usage", usageOf(job)],
    ["answer", job.result === undefined ? undefined : `HTTP ${job.result.status_code}`],
    ["error", job.error === undefined ? undefined : `${job.error.code}: ${job.error.message}`],
    ["redriven from", job.redriven_from],
    ["redriven as", job.redriven_as],
    ["result", isEndedJob(job) && job.result !== undefined ? `npx sluice results ${job.id}` : undefined],
  ];
  return table(rows.filter((row): row is [string, string] => row[1] !== undefined));
}

/** A batch as lines of names and values. */
export function showBatch(batch: BatchView): string {
  const { total = 0, completed = 0, failed = 0 } = batch.request_counts ?? {};
  const rows: [string, string | undefined][] = [
    ["id", batch.id],
    ["status", batch.status],
    ["endpoint", batch.endpoint],
    ["sla", batch.sla === undefined ? undefined : `${batch.sla}, priority ${batch.priority ?? 0}`],
    ["created", moment(batch.created_at)],
    ["expires", batch.expires_at === null ? undefined : moment(batch.expires_at)],
    ["lines", `${count(total)}: ${count(completed)} succeeded, ${count(failed)} failed`],
    ["cost", costOf(batch)],
    ["errors", errorsOf(batch)],
    ["retry of", batch.retry_of ?? undefined],
    ["resumes", batch.resume_from ?? undefined],
    ["retried as", batch.retried_as ?? undefined],
    ["results", completed + failed === 0 ? undefined : `npx sluice results ${batch.id}`],
  ];
  return table(rows.filter((row): row is [string, string] => row[1] !== undefined));
}

/** Jobs as a table with a head. */
export function showJobs(jobs: readonly JobView[]): string {
  const rows = jobs.map((job) => [job.id, job.status, job.model, job.sla, job.created_at, job.target ?? ""]);
  return table([["ID", "STATUS", "MODEL", "SLA", "CREATED", "TARGET"], ...rows]);
}

function usageOf({ usage }: JobView): string | undefined {
  if (usage === undefined || usage === null) return undefined;
  return `${count(usage.input_tokens)} tokens in, ${count(usage.output_tokens)} out, ${usd(usage.cost_usd)}`;
}

function costOf({ cost_usd: cost, max_spend_usd: most }: BatchView): string | undefined {
  if (cost === undefined) return undefined;
  return most === undefined || most === null ? usd(cost) : `${usd(cost)} of at most ${usd(most)}`;
}

function errorsOf(batch: BatchView): string | undefined {
  const stop = whyStopped(batch);
  if (stop !== undefined) return stop;
  return batch.errors === null ? undefined : `${count(batch.errors.data.length)} in the file`;
}

function moment(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString();
}
