import type { Filter } from "./filter.ts";

/** The target must serve the endpoint that the job names. */
export const servesEndpoint: Filter = {
  name: "serves-endpoint",
  reject: ({ target }, { request }) =>
    target.endpoints.includes(request.endpoint) ? undefined : `does not serve ${request.endpoint}`,
};
