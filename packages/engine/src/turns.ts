/** Counts the decisions of this process by model, for pickers that go round. */
export interface Turns {
  next(model: string): number;
}

/** Starts at 0 for each model. */
export function createTurns(): Turns {
  const taken = new Map<string, number>();
  return {
    next(model) {
      const turn = taken.get(model) ?? 0;
      taken.set(model, turn + 1);
      return turn;
    },
  };
}
