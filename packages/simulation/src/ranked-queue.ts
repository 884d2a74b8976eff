/** A queue with a few ranks, each in order of coming. */
export interface RankedQueue<Item> {
  add(item: Item): void;
  /** The first of the lowest rank. */
  take(): Item | undefined;
}

interface Ranked {
  /** Lower goes first. */
  readonly rank: number;
}

interface Line<Item> {
  items: Item[];
  start: number;
}

/** Makes an empty queue. */
export function createRankedQueue<Item extends Ranked>(): RankedQueue<Item> {
  const lines = new Map<number, Line<Item>>();
  let ranks: number[] = [];

  function lineOf(rank: number): Line<Item> {
    const known = lines.get(rank);
    if (known !== undefined) return known;
    const line: Line<Item> = { items: [], start: 0 };
    lines.set(rank, line);
    ranks = [...ranks, rank].sort((a, b) => a - b);
    return line;
  }

  return {
    add: (item) => void lineOf(item.rank).items.push(item),
    take() {
      for (const rank of ranks) {
        const line = lineOf(rank);
        const item = line.items[line.start];
        if (item === undefined) continue;
        line.start += 1;
        if (line.start === line.items.length) Object.assign(line, { items: [], start: 0 });
        return item;
      }
      return undefined;
    },
  };
}
