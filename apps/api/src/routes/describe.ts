import type { RouteShorthandOptions } from "fastify";
import type { z } from "zod";

/** What the OpenAPI document says of a route. Nothing is validated by it: handlers parse with the same schemas. */
export function describe(
  tag: string,
  summary: string,
  schemas: { body?: z.ZodType; query?: z.ZodType } = {},
): RouteShorthandOptions {
  return {
    schema: {
      tags: [tag],
      summary,
      ...(schemas.body === undefined ? {} : { body: schemas.body }),
      ...(schemas.query === undefined ? {} : { querystring: schemas.query }),
    },
  };
}
