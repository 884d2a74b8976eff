import suite from "./json-test-suite.json" with { type: "json" };

/** One case of the JSON test suite. */
export interface JsonCase {
  /** Begins with what it expects: `y_` must parse, `n_` must not, `i_` is the parser's choice. */
  readonly name: string;
  readonly bytes: Buffer;
}

type Kept = string | { readonly repeat: string; readonly times: number; readonly end?: string };

function bytesOf(kept: Kept): Buffer {
  if (typeof kept === "string") return Buffer.from(kept, "base64");
  return Buffer.from(kept.repeat.repeat(kept.times) + (kept.end ?? ""));
}

/** All 318 cases of JSONTestSuite by Nicolas Seriot (MIT), as bytes. */
export function jsonTestSuite(): JsonCase[] {
  return Object.entries<Kept>(suite.cases).map(([name, kept]) => ({ name, bytes: bytesOf(kept) }));
}
