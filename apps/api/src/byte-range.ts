import { type ByteRange, SluiceError } from "@sluice/domain";

/** A range that is there, with both its bounds. */
export type WantedRange = Required<ByteRange>;

/** The headers of a request for a part of something (RFC 9110, chapter 14). */
export interface RangeHeaders {
  readonly range?: string | undefined;
  readonly "if-range"?: string | string[] | undefined;
}

/**
 * The range that a request asks for; `undefined` for the whole, which is also the answer to what is no single range in
 * bytes, and to one of another version than `etag`. Throws `range_not_satisfiable` when it begins behind the end.
 */
export function wantedRange(headers: RangeHeaders, bytes: number, etag: string): WantedRange | undefined {
  const version = headers["if-range"];
  if (headers.range === undefined || (version !== undefined && version !== etag)) return undefined;
  const [, first = "", last = ""] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(headers.range) ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") return notEmpty({ start: Math.max(bytes - Number(last), 0), end: bytes }, bytes);
  if (last !== "" && Number(last) < Number(first)) return undefined;
  const end = last === "" ? bytes : Math.min(Number(last) + 1, bytes);
  return notEmpty({ start: Number(first), end }, bytes);
}

function notEmpty(range: WantedRange, bytes: number): WantedRange {
  if (range.start < range.end) return range;
  throw new SluiceError("range_not_satisfiable", `The file has ${bytes} bytes.`, { param: "range" });
}
