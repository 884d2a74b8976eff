import { parseFlags } from "./parse-flags.ts";
import { type RunningSimulator, startSimulator } from "./server.ts";

/** Calls in flight get this long when the simulator is told to stop. */
const graceMs = 5000;

const flags = parseFlags(process.argv.slice(2));
if (flags.kind === "help") process.stdout.write(`${flags.text}\n`);
else if (flags.kind === "wrong") fail(flags.message);
else await run();

async function run(): Promise<void> {
  if (flags.kind !== "run") return;
  try {
    announce(await startSimulator(flags.options));
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function announce(simulator: RunningSimulator): void {
  const { url, name } = simulator;
  const stop = (): void => {
    void simulator.close(graceMs).then(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.stdout.write(`${JSON.stringify({ url, name })}\n`);
  if (process.send === undefined) return;
  // Without its parent a simulator has no purpose: it must not be left behind.
  process.once("disconnect", () => process.exit(0));
  process.send({ type: "ready", url, name });
}

function fail(message: string): void {
  process.stderr.write(`simulator: ${message}\n`);
  process.exitCode = 2;
  process.disconnect?.();
}
