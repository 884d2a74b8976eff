import { type Batcher, createBatcher, type Flush } from "./batcher.ts";

/** What all batchers of a ledger share. */
export interface Batching {
  readonly onFlush: (flush: Flush) => void;
}

/** A batcher of one family of statements. */
export function batching<Item, Result>(
  { onFlush }: Batching,
  family: string,
  flush: (items: readonly Item[]) => Promise<Result[]>,
  sizeOf: (item: Item) => number,
): Batcher<Item, Result> {
  return createBatcher({ family, flush, sizeOf, onFlush });
}
