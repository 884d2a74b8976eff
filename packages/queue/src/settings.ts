// Every setting of BullMQ that Sluice chooses; docs/decisions/2026-11-20-bullmq-as-engine.md says why.

/** A worker's claim on a pointer lapses this long after its last renewal; shorter than the ledger's lease of 20 s. */
export const lockMs = 15_000;

/** Seconds that an idle worker blocks on Redis before it looks again by itself. */
export const blockSeconds = 5;

/** BullMQ's wait between two tries while Redis refuses connections. */
export const connectionRetryMs = 2_000;

/** Ended pointers that are kept for the board. */
export const keptCompleted = 200;
export const keptFailed = 1_000;

/** Entries (about) of a queue's event stream; nobody reads it but the board. */
export const keptEvents = 100;

/** Dead letters shown; the ledger has all of them. */
export const keptDeadLetters = 10_000;

/** Bounds of BullMQ's priority. 0 means "before everything" and is never used. */
export const leastPriority = 1;
export const mostPriority = 2_097_151;

/** Pointers that go to Redis in one pipeline. */
export const pipelineSize = 500;
