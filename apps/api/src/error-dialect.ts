import type { FastifyRequest } from "fastify";

/** Whose error envelope a client reads. */
export type ErrorDialect = "openai" | "anthropic";

/**
 * By the path, also where it leads nowhere: everything under `/v1/messages` is Anthropic's. A path that both have
 * (`/v1/models`) is asked in Anthropic's way when the request carries its version header.
 */
export function errorDialectOf({ url, headers }: Pick<FastifyRequest, "url" | "headers">): ErrorDialect {
  if (/^\/v1\/messages(?:[/?]|$)/.test(url)) return "anthropic";
  const isShared = /^\/v1\/models(?:[/?]|$)/.test(url);
  return isShared && headers["anthropic-version"] !== undefined ? "anthropic" : "openai";
}
