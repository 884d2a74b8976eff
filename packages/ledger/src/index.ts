export type { Flush } from "./batcher.ts";
export { createLedger, type Ledger, type LedgerOptions } from "./create-ledger.ts";
export { LedgerError } from "./ledger-error.ts";
export { migrate } from "./migrate.ts";
