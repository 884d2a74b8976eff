import type { BatchErrorCode, BatchLineError } from "@sluice/domain";

/** Why a batch's file cannot be run, and how many lines of it were read. */
export class InvalidBatch extends Error {
  readonly errors: readonly BatchLineError[];
  readonly total: number;
  constructor(errors: readonly BatchLineError[], total: number) {
    super("the batch file is not valid");
    this.errors = errors;
    this.total = total;
  }
}

/** A fault of a line before it gets its number. */
export type LineFault = Omit<BatchLineError, "line">;

/** A fault of a line. */
export function fault(code: BatchErrorCode, message: string, param: string | undefined): LineFault {
  return { code, message, param };
}

/** A fault of the file as a whole. */
export function faultOfFile(code: BatchErrorCode, message: string): BatchLineError {
  return { ...fault(code, message, "input_file_id"), line: undefined };
}
