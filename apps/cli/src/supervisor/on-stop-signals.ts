/** A terminal's Ctrl-C arrives up to three times: from the terminal, from npm and from the bootstrap. */
const sameKeyPressMs = 1_000;

/** What signals do. */
export type StopSignalHandlers = {
  /** The first wish to stop. */
  readonly first: () => void;
  /** A later one, which is not a copy of the first. */
  readonly second: () => void;
  /** SIGHUP; `otherwise` treats it like the other signals. */
  readonly hangup: (otherwise: () => void) => void;
};

/**
 * Listens for SIGINT, SIGTERM, SIGHUP and for the end of the process that holds our pipe (the bootstrap), which counts
 * as a first wish to stop. Answers how to stop listening.
 */
export function onStopSignals({ first, second, hangup }: StopSignalHandlers): () => void {
  let firstAt: number | undefined;
  const onSignal = (): void => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      first();
    } else if (performance.now() - firstAt > sameKeyPressMs) second();
  };
  const listeners = {
    SIGINT: onSignal,
    SIGTERM: onSignal,
    SIGHUP: () => hangup(onSignal),
    disconnect: () => {
      if (firstAt === undefined) onSignal();
    },
  };
  for (const [event, listener] of Object.entries(listeners)) process.on(event, listener);
  // The pipe alone is no reason to stay alive.
  process.channel?.unref();
  return () => {
    for (const [event, listener] of Object.entries(listeners)) process.off(event, listener);
  };
}
