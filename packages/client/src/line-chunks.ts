/** A request of a bulk call as it is sent. */
export interface BulkLine {
  /** Its place among the requests, from 0. */
  readonly index: number;
  /** A line of NDJSON without its line feed. */
  readonly text: string;
}

const mostLines = 500;
const mostLength = 1_048_576;
/** A source that gives nothing for so long is not waited for: what there is goes up. */
const lingerMs = 20;

/**
 * Gathers lines into groups of at most 500 lines or about 1 MiB, and of fewer when the source is slow. It reads on
 * only when a group is asked for. An error of the source is thrown after the group of the lines before it.
 */
export async function* chunksOf(
  source: AsyncIterator<BulkLine>,
): AsyncGenerator<BulkLine[], void, undefined> {
  const reader = createReader(source);
  try {
    for (;;) {
      const { chunk, end } = await gather(reader);
      if (chunk.length > 0) yield chunk;
      if (end === "done") return;
      if (end !== "more") throw end.error;
    }
  } finally {
    await reader.close();
  }
}

interface Gathered {
  readonly chunk: BulkLine[];
  /** What comes after it. */
  readonly end: "more" | "done" | { readonly error: unknown };
}

async function gather(reader: Reader): Promise<Gathered> {
  const chunk: BulkLine[] = [];
  let length = 0;
  let linger: Timer | undefined;
  try {
    while (chunk.length < mostLines && length < mostLength) {
      const next = await (linger === undefined ? reader.next() : Promise.race([reader.next(), linger.over]));
      if (next === "over") break;
      reader.take();
      if (next.done) return { chunk, end: "done" };
      chunk.push(next.value);
      length += next.value.text.length;
      linger ??= startTimer(lingerMs);
    }
    return { chunk, end: "more" };
  } catch (error) {
    reader.take();
    return { chunk, end: { error } };
  } finally {
    linger?.clear();
  }
}

/** Reads one line ahead, and keeps it until it is taken. */
interface Reader {
  next(): Promise<IteratorResult<BulkLine>>;
  take(): void;
  close(): Promise<void>;
}

function createReader(source: AsyncIterator<BulkLine>): Reader {
  let pending: Promise<IteratorResult<BulkLine>> | undefined;
  return {
    next() {
      pending ??= source.next();
      return pending;
    },
    take() {
      pending = undefined;
    },
    async close() {
      const ended = source.return?.();
      if (pending === undefined) return void (await ended);
      // A source that is busy cannot be ended before it has given what it was asked for: nobody waits for that.
      pending.catch(() => undefined);
      ended?.catch(() => undefined);
    },
  };
}

interface Timer {
  readonly over: Promise<"over">;
  clear(): void;
}

function startTimer(delayMs: number): Timer {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<"over">((resolve) => {
    timer = setTimeout(resolve, delayMs, "over");
  });
  return { over, clear: () => clearTimeout(timer) };
}
