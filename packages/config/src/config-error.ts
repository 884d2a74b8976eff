/** One thing that is wrong (or, as a warning, odd) in a configuration file. */
export interface ConfigError {
  /** The file as the caller named it. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** Such as `pools.small.targets[0].limits`; empty for the file as a whole. */
  readonly path: string;
  /** A sentence that starts with the path. Carries no credential and no value of an environment variable. */
  readonly message: string;
}

/** A finding before its place in the text is known. */
export interface Finding {
  readonly path: ConfigPath;
  /** The rest of the sentence after the path. */
  readonly says: string;
  /** Whether the key or its value is to be pointed at; a missing value falls back to the nearest parent. */
  readonly at: "key" | "value";
  /** Where to point when the path has a place that is not the one meant: the second of two equal keys. */
  readonly offset?: number;
}

/** Keys and list positions from the root of the file. */
export type ConfigPath = readonly (string | number)[];

/** Spells a path the way a user writes it: `models["a b"].pools[0]`. */
export function formatPath(path: ConfigPath): string {
  return path.map(formatStep).join("").replace(/^\./, "");
}

function formatStep(step: string | number): string {
  if (typeof step === "number") return `[${step}]`;
  return /^[\w-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

/** Formats errors (or warnings) one per line as `file:line:column sentence`. */
export function formatConfigErrors(errors: readonly ConfigError[]): string {
  return errors.map((error) => `${error.file}:${error.line}:${error.column} ${error.message}`).join("\n");
}

/** Orders errors as they stand in the file. */
export function byPlace(a: ConfigError, b: ConfigError): number {
  return a.line - b.line || a.column - b.column || a.message.localeCompare(b.message);
}
