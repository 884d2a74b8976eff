import {
  type EventIds,
  type IdSource,
  idFromUuid,
  type JobFailureCode,
  type JobToRun,
  jobFailureCodes,
  type Verdict,
} from "@sluice/domain";
import type { ProcessJobPorts } from "./process-job-ports.ts";

/** Fresh ids for the event and the delivery that an ending may cause. */
export function newEventIds(ids: IdSource): EventIds {
  return { eventId: idFromUuid("event", ids.uuid()), deliveryId: idFromUuid("delivery", ids.uuid()) };
}

/** What a caller reads of a failure of this code. */
export function failureOf(code: JobFailureCode): { readonly code: string; readonly message: string } {
  return { code, message: jobFailureCodes[code] };
}

/** Ends a job that gets no attempt: its deadline passed, or nothing can serve it. */
export async function endUnstarted(
  ports: Pick<
    ProcessJobPorts,
    "ledger" | "clock" | "ids" | "deadLetters" | "deliveries" | "logger" | "metrics" | "failureLineBytes"
  >,
  job: JobToRun,
  state: "expired" | "dead",
  code: JobFailureCode,
): Promise<Verdict> {
  const failure = failureOf(code);
  const line = job.batchLine;
  const [result] = await ports.ledger.endUnstarted([
    {
      jobId: job.id,
      fromEpoch: job.epoch,
      endedAt: ports.clock.now(),
      state,
      failure,
      lineBytes: line === undefined ? 0 : ports.failureLineBytes({ ...line, jobId: job.id, failure }),
      ids: newEventIds(ports.ids),
    },
  ]);
  // Whoever takes the pointer next sees what has become of the job.
  if (result?.kind !== "recorded") return { kind: "later", at: ports.clock.now() };
  await announceEnd(ports, job, state, result.deliveryIds, code);
  return { kind: "failed", code };
}

/** Tells the other queues of an ending that the ledger has committed. Never rejects: the dispatcher adds what is left out. */
export async function announceEnd(
  ports: Pick<ProcessJobPorts, "deadLetters" | "deliveries" | "logger" | "metrics">,
  job: JobToRun,
  state: string,
  deliveryIds: readonly string[],
  code: string | undefined,
): Promise<void> {
  ports.metrics.increment("sluice_jobs_finished_total", { outcome: state });
  const tasks: Promise<void>[] = [];
  if (deliveryIds.length > 0) tasks.push(ports.deliveries.add(deliveryIds.map((id) => ({ id }))));
  if (state === "dead")
    tasks.push(ports.deadLetters.add([{ jobId: job.id, model: job.model, code: code ?? state }]));
  for (const result of await Promise.allSettled(tasks)) {
    if (result.status === "fulfilled") continue;
    ports.logger.warn({ jobId: job.id, err: result.reason }, "a queue was not told of a job's end");
  }
}
