import type { ConfigPath } from "../config-error.ts";
import type { Place } from "../yaml/places.ts";

const longest = 60;

/**
 * What was found, for the end of an error: `"10k tpm"`, `a list`. Credentials and the values of environment
 * variables are never shown, because errors are printed and logged.
 */
export function describeValue(path: ConfigPath, value: unknown, place: Place | undefined): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (mayBeSecret(path, value)) return "a value that is not shown";
  if (place?.template !== undefined) return `the value of ${quote(place.template)}`;
  return typeof value === "string" ? quote(value) : String(value);
}

/** Keys by name, text where a whole provider should stand (a misplaced key), and addresses with credentials. */
function mayBeSecret(path: ConfigPath, value: unknown): boolean {
  const isCredentialKey = /api_?key|secret|password|credential/i.test(String(path.at(-1)));
  const isProviderItself = path[0] === "providers" && path.length <= 2;
  return isCredentialKey || isProviderItself || (typeof value === "string" && /:\/\/[^/]*@/.test(value));
}

function quote(text: string): string {
  return JSON.stringify(text.length > longest ? `${text.slice(0, longest)}…` : text);
}
