import type { FastifyInstance, FastifyReply } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { acceptCall } from "../facade/accept-call.ts";
import { answerCall } from "../facade/answer-call.ts";
import { streamCall } from "../facade/stream-call.ts";
import { type HeldCall, waitForCall, waitMsOf } from "../facade/wait-for-call.ts";
import { roomCheck } from "../room-check.ts";
import { describe } from "./describe.ts";

/** What each call does that is answered as its upstream answers. */
const calls = {
  "/v1/chat/completions": "Create a chat completion",
  "/v1/completions": "Create a completion",
  "/v1/embeddings": "Create embeddings",
  "/v1/moderations": "Classify texts",
  "/v1/messages": "Create a message, as Anthropic's API does",
} as const;

/** The calls of OpenAI's and Anthropic's APIs that answer at once: each waits for a job that it makes. */
export function facadeRoutes(server: FastifyInstance, ports: ApiPorts, closing: AbortSignal): void {
  for (const [endpoint, summary] of Object.entries(calls)) {
    server.post(endpoint, { ...describe("Models", summary), onRequest: roomCheck(ports) }, (request, reply) =>
      call(ports, { request, reply, closing }, endpoint),
    );
  }
}

async function call(ports: ApiPorts, held: HeldCall, endpoint: string): Promise<FastifyReply> {
  const { request, reply } = held;
  waitMsOf(request);
  const accepted = await acceptCall(ports, request, endpoint);
  if (accepted.streamed) return streamCall(ports, held, accepted);
  const job = await waitForCall(ports, held, accepted);
  return job === undefined ? reply.hijack() : answerCall(ports, reply, job);
}
