import type { Cluster, ClusterOptions } from "./cluster-types.ts";
import { eventLine } from "./event-line.ts";
import { onStopSignals } from "./on-stop-signals.ts";
import { startCluster } from "./start-cluster.ts";

/** What is done with the cluster once it runs; its answer is the exit code. `signal` aborts at Ctrl-C. */
export type ClusterMain = (cluster: Cluster, signal: AbortSignal) => Promise<number>;

/** Exit code of a program that was ended by Ctrl-C. */
const interrupted = 130;

/** Options of runCluster. */
export type RunClusterOptions = ClusterOptions & {
  /** Default: nothing, until Ctrl-C. */
  readonly main?: ClusterMain;
  /** Told one plain line for each start, death and restart. */
  readonly say: (line: string) => void;
  /** What SIGHUP does while the cluster runs; default: the same as SIGTERM. */
  readonly onHangup?: (cluster: Cluster) => void;
};

/**
 * Runs a cluster in this process until `main` answers, or until Ctrl-C, SIGTERM, or the end of the process that holds
 * our pipe; then drains it and answers the exit code. A second Ctrl-C kills every child and ends this process at once.
 */
export async function runCluster(options: RunClusterOptions): Promise<number> {
  const { main = untilAborted, say } = options;
  const stopping = new AbortController();
  let cluster: Cluster | undefined;
  const letGo = onStopSignals({
    first: () => stopping.abort(),
    second: () => {
      cluster?.killNow();
      process.exit(interrupted);
    },
    hangup: (otherwise) => {
      if (cluster === undefined || options.onHangup === undefined) otherwise();
      else options.onHangup(cluster);
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
    if (stopping.signal.aborted) return interrupted;
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
