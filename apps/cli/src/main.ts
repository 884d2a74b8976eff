import { runProgram } from "./program.ts";
import { createStopSignal } from "./stop-signal.ts";

const { env } = process;
const stopSignal = createStopSignal();

const outcome = await runProgram(
  {
    env,
    // npm changes into the root of the repository; paths on the command line are the caller's.
    callerDir: env["npm_lifecycle_event"] === "start" ? (env["INIT_CWD"] ?? process.cwd()) : process.cwd(),
    out: process.stdout,
    err: process.stderr,
    get signal() {
      return stopSignal();
    },
    setEnv: (variables) => Object.assign(env, variables),
  },
  process.argv.slice(2),
);
// A role that runs in this process ends it by itself.
if (outcome !== undefined) {
  // A pipe takes what is written later: an exit would cut it off.
  await Promise.all([process.stdout, process.stderr].map(written));
  process.exit(outcome);
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
