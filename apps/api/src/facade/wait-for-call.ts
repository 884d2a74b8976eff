import { type Job, SluiceError } from "@sluice/domain";
import { newEventIds } from "@sluice/engine";
import type { FastifyReply, FastifyRequest } from "fastify";
import { announceDeliveries } from "../announce-deliveries.ts";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { waitSecondsOf } from "../tags.ts";
import type { AcceptedCall } from "./accept-call.ts";

/** Below the ten minutes after which OpenAI's and Anthropic's clients hang up: they should hear of their job. */
const waitSeconds = 570;
const longestWaitSeconds = 3_600;

/** An HTTP call that is to be answered when something has happened. */
export interface HeldCall {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Aborts when the server stops. */
  readonly closing: AbortSignal;
}

/** Seconds, in ms, that a call would wait for its job. Throws when its header says none. */
export function waitMsOf(request: FastifyRequest): number {
  return waitSecondsOf(request, waitSeconds, longestWaitSeconds) * 1000;
}

/** Aborts when the client has hung up before it was answered. */
export function hangUpOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  const { raw } = reply;
  if (raw.destroyed) gone.abort();
  raw.once("close", () => {
    if (!raw.writableEnded) gone.abort();
  });
  return gone.signal;
}

/**
 * Waits for the end of a call's job and answers it, or as it stands when the time is over. `undefined` when the client
 * is gone: a job that nobody else waits for and that has not been started is cancelled then. Throws
 * `wait_interrupted` when the server stops.
 */
export async function waitForCall(
  ports: ApiPorts,
  { request, reply, closing }: HeldCall,
  call: AcceptedCall,
): Promise<Job | undefined> {
  const gone = hangUpOf(reply);
  reply.header("x-sluice-job-id", call.jobId);
  if (call.replayed) reply.header("idempotent-replayed", "true");
  await ports.waiter.wait(call.jobId, waitMsOf(request), AbortSignal.any([gone, closing]));
  if (closing.aborted) throw serverStops();
  const { tenantId } = callerOf(request);
  if (!gone.aborted) return requireJob(await ports.ledger.findJob(tenantId, call.jobId));
  await leave(ports, request, call);
  return undefined;
}

/** What a call hears that is held while the server stops. */
export function serverStops(): SluiceError {
  return new SluiceError("wait_interrupted", "The server stops; call again to join the job.", {
    retryAfterSeconds: 1,
  });
}

/** Nobody can be told of a failure here: the job goes on. */
export async function leave(ports: ApiPorts, request: FastifyRequest, call: AcceptedCall): Promise<void> {
  const { jobId, key, model } = call;
  try {
    const leaving = { tenantId: callerOf(request).tenantId, jobId, key };
    const ended = await ports.ledger.leaveJob(leaving, ports.clock.now(), newEventIds(ports.ids));
    if (ended === undefined) return;
    await announceDeliveries(ports, ended.deliveryIds);
    await ports.lanes.remove(model, [jobId]);
  } catch (error) {
    ports.logger.warn({ jobId, err: error }, "a job that nobody waits for any more may still run");
  }
}

function requireJob(job: Job | undefined): Job {
  if (job === undefined) throw new Error("a job that was accepted is gone");
  return job;
}
