import type { Cluster, ClusterOptions } from "./cluster-types.ts";
import { eventLine } from "./event-line.ts";
import { startCluster } from "./start-cluster.ts";

/** What is done with the cluster once it runs; its answer is the exit code. `signal` aborts at Ctrl-C. */
export type ClusterMain = (cluster: Cluster, signal: AbortSignal) => Promise<number>;

/** A terminal's Ctrl-C arrives up to three times: from the terminal, from npm and from the bootstrap. */
const sameKeyPressMs = 1_000;
const interrupted = 130;

/**
 * Runs a cluster in this process until `main` answers, or until Ctrl-C, SIGTERM, or the end of the process that holds
 * our pipe; then drains it and answers the exit code. A second Ctrl-C kills every child and ends this process at once.
 */
export async function runCluster(
  options: ClusterOptions & { main?: ClusterMain; say: (line: string) => void },
): Promise<number> {
  const { main = untilAborted, say } = options;
  const stopping = new AbortController();
  let cluster: Cluster | undefined;
  const letGo = onStopSignals({
    first: () => stopping.abort(),
    second: () => {
      cluster?.killNow();
      process.exit(interrupted);
    },
  });
  const onEvent = (event: Parameters<typeof eventLine>[0]): void => {
    const line = eventLine(event);
    if (line !== undefined) say(line);
    options.onEvent?.(event);
  };
  try {
    cluster = await startCluster({ ...options, onEvent, log: say, signal: stopping.signal });
    return await main(cluster, stopping.signal);
  } catch (error) {
    if (stopping.signal.aborted) return 0;
    say(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    await cluster?.stop();
    letGo();
  }
}

function untilAborted(_cluster: Cluster, signal: AbortSignal): Promise<number> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(0);
    signal.addEventListener("abort", () => resolve(0), { once: true });
  });
}

/** Calls `first` at the first signal to stop and `second` at a later one; answers how to stop listening. */
function onStopSignals({ first, second }: { first: () => void; second: () => void }): () => void {
  let firstAt: number | undefined;
  const onSignal = (): void => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      first();
    } else if (performance.now() - firstAt > sameKeyPressMs) second();
  };
  // The bootstrap holds a pipe to us: when it is killed, we drain. A later signal still ends us at once.
  const onParentGone = (): void => {
    if (firstAt === undefined) onSignal();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, onSignal);
  process.on("disconnect", onParentGone);
  process.channel?.unref();
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
    process.off("disconnect", onParentGone);
  };
}
