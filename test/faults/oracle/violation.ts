/** The sentences of the promise; each violation names the one that was broken. */
export type Rule =
  | "every 202 has an outcome"
  | "no job without a 202"
  | "one outcome for each job"
  | "one result is served for each job"
  | "the upstream's log is whole"
  | "every call belongs to an attempt"
  | "every attempt has an ending"
  | "duplicate calls stay within the bound"
  | "every duplicate call is written down"
  | "every ending is told or given up"
  | "an event keeps its one id"
  | "batches count what happened"
  | "usage is what the upstream counted"
  | "spend is usage at the price"
  | "nothing is left behind";

/** One broken sentence, and where. */
export interface Violation {
  readonly rule: Rule;
  readonly detail: string;
}
