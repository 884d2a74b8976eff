import type { FastifyRequest } from "fastify";
import type { ApiPorts } from "./api-ports.ts";
import { callerOf } from "./authenticate.ts";
import { isRetry } from "./tags.ts";

/** A hook that refuses a batch when the queue is full; whether its tokens have room shows when its file is read. */
export function queueCheck({ admission }: Pick<ApiPorts, "admission">) {
  return async (request: FastifyRequest): Promise<void> => {
    if (request.headers["idempotency-key"] === undefined) await admission.checkQueue();
  };
}

/**
 * A hook that refuses before the body is read what has no room, whatever it holds. Calls with an Idempotency-Key, and
 * those that a client tries again, pass: they may repeat one that was accepted.
 */
export function roomCheck({ admission }: Pick<ApiPorts, "admission">) {
  return async (request: FastifyRequest): Promise<void> => {
    if (request.headers["idempotency-key"] === undefined && !isRetry(request))
      await admission.checkRoom(callerOf(request).tenantId);
  };
}
