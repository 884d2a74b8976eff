import { isDataFault } from "./ledger-error.ts";

/** Gathers the calls of one process into multi-row statements. */
export interface Batcher<Item, Result> {
  /** Results in the order of `items`; rejects when any of them could not be written. */
  add(items: readonly Item[]): Promise<Result[]>;
}

export interface Flush {
  /** Which kind of statement, e.g. `accept`. */
  readonly family: string;
  readonly rows: number;
  readonly durationMs: number;
}

export interface BatcherOptions<Item, Result> {
  readonly family: string;
  /** Writes all items in one statement; results in their order. */
  readonly flush: (items: readonly Item[]) => Promise<Result[]>;
  readonly sizeOf: (item: Item) => number;
  readonly onFlush: (flush: Flush) => void;
  readonly maxRows?: number;
  readonly maxBytes?: number;
  readonly maxInFlight?: number;
  /** A second flush beside the first starts only when this many rows wait. */
  readonly worthwhileRows?: number;
}

interface Call<Result> {
  readonly results: Result[];
  missing: number;
  readonly resolve: (results: Result[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Entry<Item, Result> {
  readonly item: Item;
  readonly index: number;
  readonly call: Call<Result>;
}

/**
 * Group commit: items of the current turn of the event loop, and those that come while earlier ones are being
 * written, share a statement and its commit. A row that PostgreSQL cannot take fails alone: its neighbours are
 * written again without it.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  const {
    family,
    flush,
    sizeOf,
    onFlush,
    maxRows = 500,
    maxBytes = 4 << 20,
    maxInFlight = 2,
    worthwhileRows = 64,
  } = options;
  let waiting: Entry<Item, Result>[] = [];
  let inFlight = 0;
  let scheduled = false;

  function schedule(): void {
    if (scheduled || !mayFlush()) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      while (mayFlush()) void send(takeGroup());
    });
  }

  /** While one flush is under way the next gathers: few large groups cost less than many small ones. */
  function mayFlush(): boolean {
    if (waiting.length === 0) return false;
    return inFlight === 0 || (inFlight < maxInFlight && waiting.length >= worthwhileRows);
  }

  function takeGroup(): Entry<Item, Result>[] {
    let bytes = 0;
    let count = 0;
    for (const { item } of waiting) {
      bytes += sizeOf(item);
      if (count > 0 && (count === maxRows || bytes > maxBytes)) break;
      count += 1;
    }
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return group;
  }

  async function send(group: readonly Entry<Item, Result>[]): Promise<void> {
    inFlight += 1;
    const startedAt = performance.now();
    await write(group);
    inFlight -= 1;
    onFlush({ family, rows: group.length, durationMs: performance.now() - startedAt });
    schedule();
  }

  async function write(group: readonly Entry<Item, Result>[]): Promise<void> {
    try {
      const results = await flush(group.map(({ item }) => item));
      for (const [position, entry] of group.entries()) settle(entry, results[position] as Result);
    } catch (error) {
      if (group.length === 1 || !isDataFault(error)) {
        for (const { call } of group) call.reject(error);
        return;
      }
      const half = group.length >> 1;
      await write(group.slice(0, half));
      await write(group.slice(half));
    }
  }

  return {
    add(items) {
      if (items.length === 0) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        const call: Call<Result> = {
          results: new Array(items.length),
          missing: items.length,
          resolve,
          reject,
        };
        for (const [index, item] of items.entries()) waiting.push({ item, index, call });
        schedule();
      });
    },
  };
}

function settle<Item, Result>({ call, index }: Entry<Item, Result>, result: Result): void {
  call.results[index] = result;
  call.missing -= 1;
  if (call.missing === 0) call.resolve(call.results);
}
