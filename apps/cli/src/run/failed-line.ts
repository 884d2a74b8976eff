/** What a person wants to know of a line that did not succeed. */
export interface FailedLine {
  readonly customId: string;
  /** Such as `attempts_exhausted: All attempts failed.` or `HTTP 400: …`. */
  readonly reason: string;
  /** The line with its `error` filled in. */
  readonly bytes: Buffer;
}

interface ErrorFileLine {
  readonly custom_id?: string;
  readonly response?: { readonly status_code?: number; readonly body?: unknown } | null;
  readonly error?: { readonly code?: string; readonly message?: string } | null;
}

const noError = Buffer.from(',"error":null}');
const longestReason = 200;

/**
 * Reads a line of an error file. One that the upstream refused has its answer in `response` and `error: null`; so that
 * every line that did not succeed can be told by its `error`, that is filled in, and nothing else is touched.
 */
export function readFailedLine(bytes: Buffer): FailedLine {
  const line = JSON.parse(bytes.toString("utf8")) as ErrorFileLine;
  const customId = line.custom_id ?? "";
  const { error, response } = line;
  if (error !== null && error !== undefined) {
    return { customId, reason: shorten(`${error.code ?? "error"}: ${error.message ?? ""}`), bytes };
  }
  const status = response?.status_code ?? 0;
  const reason = shorten(`HTTP ${status}: ${messageOf(response?.body)}`);
  return {
    customId,
    reason,
    bytes: withError(bytes, { code: "request_refused", message: `The upstream answered ${status}.` }),
  };
}

function withError(bytes: Buffer, error: { code: string; message: string }): Buffer {
  if (!bytes.subarray(-noError.length).equals(noError)) return bytes;
  return Buffer.concat([
    bytes.subarray(0, -noError.length),
    Buffer.from(`,"error":${JSON.stringify(error)}}`),
  ]);
}

function messageOf(body: unknown): string {
  const { error } = (body ?? {}) as { error?: { message?: unknown } };
  return typeof error?.message === "string" ? error.message : "the upstream refused the request";
}

function shorten(text: string): string {
  const oneLine = text.replaceAll(/\s+/g, " ").trim();
  return oneLine.length <= longestReason ? oneLine : `${oneLine.slice(0, longestReason)}…`;
}
