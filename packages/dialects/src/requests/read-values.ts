import { type Fields, isAbsent, isFields } from "../fields.ts";
import type { ImageSource } from "./neutral-request.ts";
import { type Refusals, unreadable } from "./refusals.ts";

/** Reads values of a client's body; what is of another type is refused and left out. */
export interface Reader {
  readonly refusals: Refusals;
  text(value: unknown, at: string): string;
  optionalText(value: unknown, at: string): string | undefined;
  number(value: unknown, at: string): number | undefined;
  flag(value: unknown, at: string): boolean | undefined;
  object(value: unknown, at: string): Fields;
  optionalObject(value: unknown, at: string): Fields | undefined;
  /** The objects of a list with their places; absent is empty. */
  objects(value: unknown, at: string): readonly { readonly at: string; readonly fields: Fields }[];
}

export function createReader(refusals: Refusals): Reader {
  const typed =
    <T>(isIt: (value: unknown) => value is T) =>
    (value: unknown, at: string): T | undefined => {
      if (isAbsent(value)) return undefined;
      if (isIt(value)) return value;
      refusals.refuse(at, unreadable);
      return undefined;
    };
  const optionalText = typed((value) => typeof value === "string");
  const optionalObject = typed(isFields);
  const list = typed((value): value is unknown[] => Array.isArray(value));
  const needed = <T>(value: T | undefined, at: string, otherwise: T): T => {
    if (value === undefined) refusals.refuse(at, unreadable);
    return value ?? otherwise;
  };
  return {
    refusals,
    text: (value, at) => needed(optionalText(value, at), at, ""),
    optionalText,
    number: typed((value) => typeof value === "number"),
    flag: typed((value) => typeof value === "boolean"),
    object: (value, at) => needed(optionalObject(value, at), at, {}),
    optionalObject,
    objects: (value, at) =>
      (list(value, at) ?? []).map((each, index) => {
        const place = `${at}[${index}]`;
        return { at: place, fields: needed(optionalObject(each, place), place, {}) };
      }),
  };
}

/** An image as OpenAI's dialects name it: an address, or base64 within a `data:` address (RFC 2397). */
export function readImageUrl(reader: Reader, value: unknown, at: string): ImageSource {
  const url = reader.text(value, at);
  if (!url.startsWith("data:")) return { kind: "url", url };
  const comma = url.indexOf(",");
  const [mediaType = "", ...settings] = url.slice("data:".length, Math.max(0, comma)).split(";");
  if (comma === -1 || settings.at(-1) !== "base64" || mediaType === "") {
    reader.refusals.refuse(at, "is a data URL that is not base64");
    return { kind: "url", url: "" };
  }
  return { kind: "data", mediaType, data: url.slice(comma + 1) };
}

/** The address of an image as OpenAI's dialects write it. */
export function imageUrl(source: ImageSource): string {
  return source.kind === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`;
}
