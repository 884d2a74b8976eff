/** A trace that cannot be read; the message names file and line. */
export class TraceError extends Error {
  override readonly name = "TraceError";
  constructor(place: { readonly file: string; readonly line: number }, problem: string) {
    super(`${place.file}:${place.line} ${problem}`);
  }
}
