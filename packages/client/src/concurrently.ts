/** Work on a sequence of inputs. */
export interface ConcurrentWork<In, Out> {
  readonly inputs: AsyncIterator<In, unknown>;
  /** Inputs under way or not yet taken, at once. */
  readonly most: number;
  /** Whether outputs come in the order of their inputs, or as they are finished. */
  readonly order: "given" | "finished";
  readonly work: (input: In) => Promise<readonly Out[]>;
}

interface Task<Out> {
  outcome?: { readonly outputs: readonly Out[] } | { readonly error: unknown };
}

/**
 * Works on several inputs at once. It never waits for an input while an output is ready, because the next input may
 * depend on that. An error of the inputs is thrown after the outputs of those before it.
 */
export async function* concurrently<In, Out>({
  inputs,
  most,
  order,
  work,
}: ConcurrentWork<In, Out>): AsyncGenerator<Out, void, undefined> {
  const tasks: Task<Out>[] = [];
  let isReading = false;
  let end: { readonly error?: unknown } | undefined;
  let wake = (): void => undefined;

  async function read(): Promise<void> {
    isReading = true;
    try {
      const { done, value } = await inputs.next();
      if (done) end = {};
      else void run(value);
    } catch (error) {
      end = { error };
    }
    isReading = false;
    wake();
  }

  async function run(input: In): Promise<void> {
    const task: Task<Out> = {};
    tasks.push(task);
    try {
      task.outcome = { outputs: await work(input) };
    } catch (error) {
      task.outcome = { error };
    }
    wake();
  }

  for (;;) {
    // Not Promise.race over all that is under way: a promise that is long pending would remember every race.
    const changed = new Promise<void>((resolve) => {
      wake = resolve;
    });
    if (end === undefined && !isReading && tasks.length < most) void read();
    const candidates = order === "given" ? tasks.slice(0, 1) : tasks;
    const task = candidates.find(({ outcome }) => outcome !== undefined);
    if (task?.outcome !== undefined) {
      tasks.splice(tasks.indexOf(task), 1);
      if ("error" in task.outcome) throw task.outcome.error;
      yield* task.outcome.outputs;
    } else if (end !== undefined && tasks.length === 0) break;
    else await changed;
  }
  if ("error" in end) throw end.error;
}
