import { renderAnthropicError, renderError } from "@sluice/contracts";
import { formatStreamEvent } from "@sluice/dialects";
import { SluiceError } from "@sluice/domain";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import type { EventStream } from "../streams/event-stream.ts";
import { parsePayload, type StreamToServe, serveStream } from "../streams/serve-stream.ts";
import type { AcceptedCall } from "./accept-call.ts";
import { answerCall } from "./answer-call.ts";
import { type HeldCall, hangUpOf, leave, serverStops, waitMsOf } from "./wait-for-call.ts";

/**
 * Answers a call with the events of its job. Before the first of them it is answered as any other call may be. `told` is
 * what else its stream says; without it the answer as its upstream gave it.
 */
export async function streamCall(
  ports: ApiPorts,
  held: HeldCall,
  call: AcceptedCall,
  told?: Pick<StreamToServe, "lead" | "answerOf">,
): Promise<FastifyReply> {
  const { request, reply, closing } = held;
  const gone = hangUpOf(reply);
  const isLate = new AbortController();
  const stopWaiting = ports.clock.setTimer(waitMsOf(request), () => isLate.abort());
  reply.header("x-sluice-job-id", call.jobId);
  if (call.replayed) reply.header("idempotent-replayed", "true");
  const served = await serveStream(ports, reply, {
    tenantId: callerOf(request).tenantId,
    jobId: call.jobId,
    after: -1,
    lead: "",
    answerOf: (job) => parsePayload(ports, job.result?.body),
    ...told,
    opensAtOnce: false,
    signal: AbortSignal.any([gone, closing, isLate.signal]),
    onFirst: stopWaiting,
  }).finally(stopWaiting);
  switch (served.kind) {
    case "ended":
      return reply;
    case "unanswered":
      return answerCall(ports, reply, served.job);
    case "interrupted":
      if (!gone.aborted) return interrupt(request, reply, served.events, closing.aborted);
      await leave(ports, request, call);
      return reply.hijack();
  }
}

async function interrupt(
  request: FastifyRequest,
  reply: FastifyReply,
  events: EventStream,
  isClosing: boolean,
): Promise<FastifyReply> {
  const error = isClosing
    ? serverStops()
    : new SluiceError("wait_over", "The answer has not come yet; its job goes on.");
  if (!events.isOpen) throw error;
  await events.write(asEvent(request, error));
  events.end();
  return reply;
}

/** A response can be read on from where it stopped, so its stream ends without a word. */
function asEvent({ routeOptions, id }: FastifyRequest, error: SluiceError): string {
  const url = routeOptions.url ?? "";
  switch (url) {
    case "/v1/messages":
      return formatStreamEvent({ event: "error", data: renderAnthropicError(error, id) });
    case "/v1/responses":
      return "";
    default:
      return formatStreamEvent({ data: renderError(error) });
  }
}
