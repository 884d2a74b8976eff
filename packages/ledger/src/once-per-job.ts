/**
 * Gives `statement` its items sorted by id, so that two statements lock the same rows in the same order, and no id
 * twice, because one statement can change a row only once: repeats go into a second statement after the first.
 * Results in the order of `items`.
 */
export async function oncePerJob<Item extends { readonly jobId: string }, Result>(
  items: readonly Item[],
  statement: (items: readonly Item[]) => Promise<readonly Result[]>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let rest = items.map((item, index) => ({ item, index }));
  rest.sort((a, b) =>
    a.item.jobId < b.item.jobId ? -1 : a.item.jobId > b.item.jobId ? 1 : a.index - b.index,
  );
  while (rest.length > 0) {
    const isRepeat = (position: number) => rest[position]?.item.jobId === rest[position - 1]?.item.jobId;
    const firsts = rest.filter((_, position) => position === 0 || !isRepeat(position));
    const written = await statement(firsts.map(({ item }) => item));
    firsts.forEach(({ index }, position) => {
      results[index] = written[position] as Result;
    });
    rest = rest.filter((_, position) => position !== 0 && isRepeat(position));
  }
  return results;
}
