/** What a command works with, so that tests can stand in for the process. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that paths on the command line are relative to. */
  readonly callerDir: string;
  readonly out: Output;
  readonly err: Output;
  /** Aborts at Ctrl-C of commands that wait. */
  readonly signal: AbortSignal;
  /** Puts variables into the environment of this process, for a role that runs in it. */
  readonly setEnv: (variables: Readonly<Record<string, string>>) => void;
}

/** A stream for text: standard output or error. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** A failure that the caller is told in one line; anything else that is thrown is a bug. */
export class CliError extends Error {
  override readonly name = "CliError";
  /** 1: it did not work; 2: it was asked for in a wrong way, or the file is not valid. */
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2 = 1, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}

/** The sentence of anything thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
