import { parseJson } from "@sluice/contracts";
import { SluiceError } from "@sluice/domain";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** A JSON body with the bytes it was parsed from: payloads pass on as they came. */
export interface JsonBody {
  readonly value: unknown;
  readonly bytes: Buffer;
}

/** Parses JSON bodies strictly and keeps their bytes. */
export function acceptJson(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, bytes: Buffer, done) => {
    try {
      done(null, { value: parseJson(bytes), bytes } satisfies JsonBody);
    } catch (error) {
      done(error as Error);
    }
  });
}

/** The JSON body of a request. Throws `invalid_request` when there is none. */
export function jsonBody(request: FastifyRequest): JsonBody {
  if (request.body === undefined || request.body === null) {
    throw new SluiceError("invalid_request", "The request has no JSON body.");
  }
  return request.body as JsonBody;
}

/** The same where clients send no body at all for all defaults. */
export function bodyOrEmpty(request: FastifyRequest): unknown {
  return request.body === undefined || request.body === null ? {} : jsonBody(request).value;
}
