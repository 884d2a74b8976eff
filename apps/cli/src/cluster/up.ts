import type { CliContext } from "../context.ts";
import { createTerminal } from "../progress/terminal.ts";
import { loadSettings } from "./load-settings.ts";
import { runLocalCluster } from "./run-local-cluster.ts";
import { runSample, wantsSample } from "./run-sample.ts";
import { welcome } from "./welcome.ts";

/** `npm start`: the whole cluster, until Ctrl-C. Answers the exit code. */
export async function up(context: CliContext): Promise<number> {
  const terminal = createTerminal(context.out);
  const say = (line: string): void => terminal.say(line);
  const settings = await loadSettings(context, { say });
  const keyIsGiven = (context.env["SLUICE_ADMIN_KEY"] ?? "") !== "";
  return runLocalCluster(context, {
    settings,
    terminal,
    main: async (cluster, signal) => {
      say(welcome({ url: cluster.url, dataDir: cluster.dataDir, keyIsGiven }));
      if (wantsSample(context, settings)) await runSample({ cluster, terminal, signal });
      if (!signal.aborted) say("Serving until Ctrl-C.");
      await untilAborted(signal);
      return 0;
    },
  });
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
