/** Work on a sequence of inputs. */
export interface ConcurrentWork<In, Out> {
  readonly inputs: AsyncIterator<In, unknown>;
  /** Inputs under way or not yet taken, at once. */
  readonly most: number;
  /** Whether outputs come in the order of their inputs, or as they are finished. */
  readonly order: "given" | "finished";
  readonly work: (input: In) => Promise<readonly Out[]>;
}

/**
 * Works on several inputs at once. It never waits for an input while an output is ready, because the next input may
 * depend on that. With `order: "given"` an error of the inputs is thrown after the outputs of those before it.
 */
export async function* concurrently<In, Out>(
  options: ConcurrentWork<In, Out>,
): AsyncGenerator<Out, void, undefined> {
  const pool = createPool(options);
  for (;;) {
    // Not Promise.race over all that is under way: a promise that is long pending would remember every race.
    const changed = pool.change();
    pool.readOn();
    const outcome = pool.take();
    if (outcome !== undefined) yield* unwrap(outcome);
    else if (pool.isEmpty()) return;
    else await changed;
  }
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

interface Task<Out> {
  outcome?: Outcome<readonly Out[]>;
}

interface Pool<Out> {
  /** Resolves when a task has finished or the next input is known. */
  change(): Promise<void>;
  /** Asks for the next input if there is room for it. */
  readOn(): void;
  /** Removes a finished task whose turn it is. */
  take(): Outcome<readonly Out[]> | undefined;
  /** Whether nothing is under way and nothing more will come. */
  isEmpty(): boolean;
}

function createPool<In, Out>({ inputs, most, order, work }: ConcurrentWork<In, Out>): Pool<Out> {
  const tasks: Task<Out>[] = [];
  let reading: "no" | "now" | "over" = "no";
  let wake = (): void => undefined;

  async function start(task: Task<Out>, outputs: Promise<readonly Out[]>): Promise<void> {
    tasks.push(task);
    task.outcome = await settle(outputs);
    wake();
  }

  async function read(): Promise<void> {
    reading = "now";
    const input = await settle(inputs.next());
    reading = "error" in input || input.value.done ? "over" : "no";
    // An error stands in the row as if it were the last input's.
    if ("error" in input) tasks.push({ outcome: input });
    else if (!input.value.done) void start({}, work(input.value.value));
    wake();
  }

  return {
    change: () =>
      new Promise((resolve) => {
        wake = resolve;
      }),
    readOn: () => void (reading === "no" && tasks.length < most && read()),
    take() {
      const turn = order === "given" ? tasks.slice(0, 1) : tasks;
      const task = turn.find(({ outcome }) => outcome !== undefined);
      if (task !== undefined) tasks.splice(tasks.indexOf(task), 1);
      return task?.outcome;
    },
    isEmpty: () => reading === "over" && tasks.length === 0,
  };
}

async function settle<T>(promise: Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

function unwrap<T>(outcome: Outcome<T>): T {
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}
