import { SluiceError } from "@sluice/domain";

/**
 * A statement that the ledger refused: a bug, or a value it cannot hold. Carries the SQLSTATE and the names of
 * tables and constraints, never PostgreSQL's own text: its details quote the rows, and rows hold prompts.
 */
export class LedgerError extends Error {
  override readonly name = "LedgerError";
  /** Five characters of SQLSTATE, or the client's own code. */
  readonly code: string;
  constructor(call: string, code: string, places: string) {
    super(`ledger.${call} failed with ${code}${places === "" ? "" : ` at ${places}`}`);
    this.code = code;
  }
}

interface ClientError {
  readonly code?: unknown;
  readonly table_name?: unknown;
  readonly column_name?: unknown;
  readonly constraint_name?: unknown;
  readonly routine?: unknown;
}

/** The SQLSTATE of a client's error, or its own code such as `CONNECTION_CLOSED`; "" when it has none. */
function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null ? (error as ClientError).code : undefined;
  return typeof code === "string" ? code : "";
}

/** Whether a statement would have broken this constraint or unique index. */
export function violates(error: unknown, constraint: string): boolean {
  return codeOf(error).startsWith("23") && (error as ClientError).constraint_name === constraint;
}

/** Whether the same statement may simply be sent again: it was rolled back because of another one. */
export function isRolledBack(error: unknown): boolean {
  return ["40P01", "40001"].includes(codeOf(error));
}

/** Whether the statement's values were at fault: class 22 (data), 23 (integrity), 54 (limits). */
export function isDataFault(error: unknown): boolean {
  return /^(22|23|54)/.test(codeOf(error));
}

// 08: connection, 53: out of resources, 57: shut down or cancelled, 25006: a standby; the rest are the client's.
const unavailable =
  /^(08|53|57|25006|CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|EHOSTUN|ENOENT)/;

/** What callers of the ledger see: `ledger_unavailable` when PostgreSQL cannot be reached, else a {@link LedgerError}. */
export function translateError(call: string, error: unknown): Error {
  if (error instanceof SluiceError) return error;
  const code = codeOf(error);
  if (unavailable.test(code))
    return new SluiceError("ledger_unavailable", `The ledger cannot be reached (${code}).`);
  if (code === "" && error instanceof Error) return error;
  const { table_name, column_name, constraint_name, routine } = error as ClientError;
  const places = [table_name, column_name, constraint_name, routine].filter(
    (name) => typeof name === "string",
  );
  return new LedgerError(call, code === "" ? "unknown" : code, places.join(" "));
}

type Call = (...args: never[]) => Promise<unknown>;

/** The same calls; what they throw is translated by {@link translateError}. */
export function translatingErrors<Calls extends object>(calls: Calls): Calls {
  const guarded = Object.entries(calls).map(([name, call]: [string, Call]) => [
    name,
    async (...args: never[]) => {
      try {
        return await call(...args);
      } catch (error) {
        throw translateError(name, error);
      }
    },
  ]);
  return Object.fromEntries(guarded) as Calls;
}
