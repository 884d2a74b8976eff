import { headerOf, type ResponseHeaders } from "./response-headers.ts";

/**
 * How long an upstream asks to be left alone, in ms: `retry-after-ms`, `x-ms-retry-after-ms` (Azure), else
 * `retry-after` in seconds or as an HTTP date (RFC 9110 §10.2.3). `undefined` for nothing or nonsense; a date that
 * has passed is 0. Not clamped. `now` is ms since 1970.
 */
export function parseRetryAfter(headers: ResponseHeaders, now: number): number | undefined {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const ms = nonNegative(headerOf(headers, name));
    if (ms !== undefined) return Math.ceil(ms);
  }
  const text = headerOf(headers, "retry-after");
  const seconds = nonNegative(text);
  if (seconds !== undefined) return Math.ceil(seconds * 1_000);
  if (text === undefined || !/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function nonNegative(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,12}(\.\d{1,9})?$/.test(text)) return undefined;
  return Number(text);
}
