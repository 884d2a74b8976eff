/** Response headers with lower-case names. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The first value of a header, trimmed; `undefined` when it is absent or empty. */
export function headerOf(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  const first = typeof value === "string" ? value : value?.[0];
  const text = first?.trim();
  return text === "" ? undefined : text;
}
