import type { Fields } from "../fields.ts";

/** What the events of a stream have come to. */
export type Accumulated =
  /** `body` is the answer that the same request would have got without streaming. */
  | { readonly kind: "complete"; readonly body: Fields }
  /** The stream has not come to its end; `body` holds what came, if anything did. */
  | { readonly kind: "partial"; readonly body: Fields | undefined }
  /** The upstream said within the stream that it failed; `error` is the object it gave. */
  | { readonly kind: "failed"; readonly error: Fields }
  /** The events are none of this dialect, or in no order it allows. */
  | { readonly kind: "malformed"; readonly reason: string };

/** Puts the events of one streamed answer together. */
export interface Accumulator {
  /** Takes the parsed `data` of the next event. Events of unknown types are passed over. */
  add(data: Fields): void;
  /** What has come so far; may be asked at any time. */
  read(): Accumulated;
}
