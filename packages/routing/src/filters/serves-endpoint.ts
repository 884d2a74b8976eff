import { callPlanOf } from "../plan-calls.ts";
import type { Filter } from "./filter.ts";

/** The target must serve the endpoint that the job names, or another one whose dialect its request can be said in. */
export const servesEndpoint: Filter = {
  name: "serves-endpoint",
  reject({ target }, { request }) {
    const plan = callPlanOf(request, target);
    switch (plan.kind) {
      case "native":
      case "translated":
        return undefined;
      case "unserved":
        return `does not serve ${request.endpoint}`;
      case "refused":
        return `serves ${plan.endpoint} only, and '${plan.field}' ${plan.reason}`;
    }
  },
};
