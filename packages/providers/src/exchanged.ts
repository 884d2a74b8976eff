import type { AnswerDefaults, Dialect, Fields } from "@sluice/dialects";

/** The two sides of a translated call. */
export interface Exchanged {
  readonly upstream: Dialect;
  readonly client: Dialect;
  /** The client's request. */
  readonly request: Fields;
  readonly defaults: AnswerDefaults;
}
