import type { FastifyReply } from "fastify";

/** The headers that hooks have set, for an answer that the route writes itself. */
export function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
}
