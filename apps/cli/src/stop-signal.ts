/** Makes a signal that aborts at Ctrl-C or SIGTERM, from the first time it is asked for; a second one ends the process. */
export function createStopSignal(): () => AbortSignal {
  let controller: AbortController | undefined;
  return () => {
    if (controller !== undefined) return controller.signal;
    const made = new AbortController();
    controller = made;
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => made.abort());
    return made.signal;
  };
}
