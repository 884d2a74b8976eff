import { type Dialect, dialectOf, endpointOf } from "../dialect.ts";
import type { Fields } from "../fields.ts";
import type { Refusal } from "./refusals.ts";
import { translateRequest } from "./translate-request.ts";

/** How a target can be called for a request. */
export type CallPlan =
  /** It serves the endpoint itself. */
  | { readonly kind: "native" }
  /** It serves another one, into whose dialect the request can be translated. */
  | { readonly kind: "translated"; readonly endpoint: string }
  /** It serves another one, but the request cannot be translated into its dialect. */
  | ({ readonly kind: "refused"; readonly endpoint: string } & Refusal)
  /** It serves nothing that the endpoint could be translated into. */
  | { readonly kind: "unserved" };

/** In order of what they carry: chat completions are closest to both others. */
const preference: readonly Dialect[] = ["chat", "responses", "messages"];

/** Whether a target with these endpoints may serve a request at an endpoint, whatever the request says. */
export function mayServe(endpoints: readonly string[], endpoint: string): boolean {
  if (endpoints.includes(endpoint)) return true;
  return dialectOf(endpoint) !== undefined && endpoints.some((each) => dialectOf(each) !== undefined);
}

/** Whether a call there would have to be translated. */
export function needsTranslation(endpoints: readonly string[], endpoint: string): boolean {
  return !endpoints.includes(endpoint) && mayServe(endpoints, endpoint);
}

/** How a target with these endpoints is called for a request at an endpoint. */
export function planCall(endpoints: readonly string[], endpoint: string, body: Fields): CallPlan {
  if (endpoints.includes(endpoint)) return { kind: "native" };
  const from = dialectOf(endpoint);
  let refused: CallPlan = { kind: "unserved" };
  if (from === undefined) return refused;
  for (const to of preference) {
    const other = endpointOf(to);
    if (!endpoints.includes(other)) continue;
    const translated = translateRequest({ from, to, body });
    if (translated.kind === "translated") return { kind: "translated", endpoint: other };
    if (refused.kind === "unserved") refused = { ...translated, endpoint: other };
  }
  return refused;
}
