/** Receives an error and how many like it were withheld since the last one that was passed on. */
export type OnError = (error: Error, withheld: number) => void;

const mostKinds = 100;

/**
 * Passes on the first error of a kind (its message without digits), then at most one per `everyMs`:
 * a lost Redis makes thousands of equal errors a second.
 */
export function limitErrors(
  onError: OnError,
  options: { readonly everyMs?: number; readonly now?: () => number } = {},
): (error: Error) => void {
  const everyMs = options.everyMs ?? 10_000;
  const now = options.now ?? Date.now;
  const seen = new Map<string, { at: number; withheld: number }>();
  return (error) => {
    const kind = error.message.replaceAll(/[0-9a-f-]{8,}|\d+/g, "#");
    const before = seen.get(kind);
    if (before !== undefined && now() - before.at < everyMs) {
      before.withheld += 1;
      return;
    }
    if (seen.size >= mostKinds) seen.clear();
    seen.set(kind, { at: now(), withheld: 0 });
    onError(error, before?.withheld ?? 0);
  };
}
