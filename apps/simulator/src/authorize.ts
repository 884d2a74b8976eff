import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type ApiError, apiError } from "./api-error.ts";

/** The key that a request carries, in any of the three usual headers. */
export function readKey(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization?.startsWith("Bearer ")) return authorization.slice(7);
  return (headers["x-api-key"] ?? headers["api-key"]) as string | undefined;
}

/** OpenAI's answer to a missing or wrong key; nothing if no key is asked for. */
export function checkKey(apiKeys: readonly string[], key: string | undefined): ApiError | undefined {
  if (apiKeys.length === 0 || (key !== undefined && apiKeys.includes(key))) return undefined;
  if (key === undefined) return apiError(401, "You didn't provide an API key.", { param: null });
  return apiError(401, "Incorrect API key provided.", { code: "invalid_api_key" });
}

/** Names keys by 12 hex digits of their SHA-256, so that no key is ever shown; remembers up to 10,000. */
export function createKeyFingerprint(): (key: string | undefined) => string {
  const known = new Map<string, string>();
  return (key) => {
    if (key === undefined) return "none";
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = hash("sha256", key).slice(0, 12);
    if (known.size < 10_000) known.set(key, made);
    return made;
  };
}
