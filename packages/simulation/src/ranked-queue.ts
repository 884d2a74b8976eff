/** A queue with a few ranks, each in order of coming. */
export interface RankedQueue<Item> {
  add(item: Item): void;
  /** The first of the lowest rank. */
  take(): Item | undefined;
  /** Items by the SLA class of their arrival. */
  depths(): Record<string, number>;
}

interface Ranked {
  /** Lower goes first. */
  readonly rank: number;
  readonly arrival: { readonly sla: string };
}

interface Line<Item> {
  items: Item[];
  start: number;
}

/** Makes an empty queue. */
export function createRankedQueue<Item extends Ranked>(): RankedQueue<Item> {
  const lines = new Map<number, Line<Item>>();
  let ranks: number[] = [];
  const depths: Record<string, number> = {};

  function count({ arrival: { sla } }: Item, change: number): void {
    depths[sla] = (depths[sla] ?? 0) + change;
  }

  function lineOf(rank: number): Line<Item> {
    const known = lines.get(rank);
    if (known !== undefined) return known;
    const line: Line<Item> = { items: [], start: 0 };
    lines.set(rank, line);
    ranks = [...ranks, rank].sort((a, b) => a - b);
    return line;
  }

  return {
    add(item) {
      lineOf(item.rank).items.push(item);
      count(item, 1);
    },
    take() {
      for (const rank of ranks) {
        const line = lineOf(rank);
        const item = line.items[line.start];
        if (item === undefined) continue;
        line.start += 1;
        if (line.start === line.items.length) Object.assign(line, { items: [], start: 0 });
        count(item, -1);
        return item;
      }
      return undefined;
    },
    depths: () => ({ ...depths }),
  };
}
