/** When a fault strikes: before anything happened, or after it, so that only the answer is lost. */
export type FaultMoment = "before" | "after";

/** Faults that a test arms on the methods of a fake. */
export interface Faults<Method extends string> {
  /** The next `times` calls of a method throw. */
  arm(method: Method, times?: number, moment?: FaultMoment): void;
  /** The next call of a method does not answer until the returned function lets it go on. */
  hang(method: Method): () => void;
  /** Runs a method's effect under the armed faults. */
  run<T>(method: Method, effect: () => T): Promise<T>;
}

/** What an armed fault throws. */
class FakeFault extends Error {
  override readonly name = "FakeFault";
}

/** Makes an empty set of faults. */
export function createFaults<Method extends string>(): Faults<Method> {
  const armed: { method: Method; moment: FaultMoment }[] = [];
  const held: { method: Method; gate: Promise<void> }[] = [];

  function take<Item extends { method: Method }>(items: Item[], method: Method): Item | undefined {
    const index = items.findIndex((item) => item.method === method);
    return index < 0 ? undefined : items.splice(index, 1)[0];
  }

  return {
    arm(method, times = 1, moment = "before") {
      for (let count = 0; count < times; count += 1) armed.push({ method, moment });
    },
    hang(method) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.push({ method, gate: promise });
      return resolve;
    },
    async run(method, effect) {
      await take(held, method)?.gate;
      const fault = take(armed, method);
      if (fault?.moment === "before") throw new FakeFault(`${method} fails`);
      const result = effect();
      if (fault !== undefined) throw new FakeFault(`${method} fails after its effect`);
      return result;
    },
  };
}
