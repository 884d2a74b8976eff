/** Rows in order of a key; those that no longer belong are left out when they are met. */
export interface SortedRows<Row> {
  add(row: Row): void;
  remove(gone: readonly Row[]): void;
  /** The first `limit` rows that belong. */
  first(limit: number): Row[];
}

/** Makes an empty list; `belongs` never becomes true again for a row for which it was false. */
export function createSortedRows<Row>(
  keyOf: (row: Row) => number,
  belongs: (row: Row) => boolean,
): SortedRows<Row> {
  let rows: Row[] = [];
  let start = 0;

  /** Behind those of an equal key. */
  function placeOf(key: number): number {
    let [low, high] = [start, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const row = rows[middle];
      if (row !== undefined && keyOf(row) <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function dropHead(): void {
    for (let row = rows[start]; row !== undefined && !belongs(row); row = rows[start]) start += 1;
    if (start < 1024) return;
    rows = rows.slice(start).filter(belongs);
    start = 0;
  }

  return {
    add(row) {
      const key = keyOf(row);
      const last = rows.at(-1);
      if (last === undefined || keyOf(last) <= key) rows.push(row);
      else rows.splice(placeOf(key), 0, row);
    },
    remove(gone) {
      if (gone.length === 0) return;
      const all = new Set(gone);
      rows = rows.slice(start).filter((row) => !all.has(row));
      start = 0;
    },
    first(limit) {
      dropHead();
      const found: Row[] = [];
      for (let at = start; at < rows.length && found.length < limit; at += 1) {
        const row = rows[at];
        if (row !== undefined && belongs(row)) found.push(row);
      }
      return found;
    },
  };
}
