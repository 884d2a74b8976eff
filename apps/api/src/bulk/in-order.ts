/** Work that goes on side by side and is finished in the order in which it was begun. */
export interface InOrder<T> {
  /** Takes work that has begun; resolves when there is room for more. */
  add(work: Promise<T>, bytes: number): Promise<void>;
  /** Resolves when all of it is finished. */
  done(): Promise<void>;
}

/** `finish` gets the results one after the other; at most `most` pieces of work, or `mostBytes`, are under way. */
export function createInOrder<T>({
  finish,
  most,
  mostBytes,
}: {
  finish: (result: T) => Promise<void>;
  most: number;
  mostBytes: number;
}): InOrder<T> {
  const ends: { readonly over: Promise<void>; readonly bytes: number }[] = [];
  let last: Promise<void> = Promise.resolve();
  let bytesUnderWay = 0;

  async function awaitOldest(): Promise<void> {
    const oldest = ends.shift();
    await oldest?.over;
    bytesUnderWay -= oldest?.bytes ?? 0;
  }

  return {
    async add(work, bytes) {
      const before = last;
      const over = Promise.all([work, before]).then(([result]) => finish(result));
      // Whoever awaits it next is told; until then it is nobody's unhandled rejection.
      over.catch(() => undefined);
      last = over;
      ends.push({ over, bytes });
      bytesUnderWay += bytes;
      while (ends.length >= most || (ends.length > 1 && bytesUnderWay > mostBytes)) await awaitOldest();
    },
    done: () => last,
  };
}
