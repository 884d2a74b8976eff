// Runs a TypeScript file under this project's Node 24 and becomes as thin as possible around it.
import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { node24, root } from "./install.mjs";

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"];

/**
 * Runs `script` (a path from the root) with inherited input and output, forwards signals and ends with its exit code.
 * With `linked` it also holds a pipe to it, so that the script learns when this process is killed.
 */
export function become(script, args, { linked = false } = {}) {
  const stdio = linked ? ["inherit", "inherit", "inherit", "ipc"] : "inherit";
  const child = spawn(node24, [join(root, script), ...args], { stdio, env: environment() });
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  if (linked) followNpm(child);
  child.on("error", (error) => {
    process.stderr.write(`Cannot run ${node24}: ${error.message}. Remove node_modules and try again.\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** Runs `script` to its end and answers whether it succeeded. */
export function runToEnd(script, args = []) {
  return (
    spawnSync(node24, [join(root, script), ...args], { cwd: root, stdio: "inherit", env: environment() })
      .status === 0
  );
}

/** Programs started by the script (vitest, tsc …) find Node 24 and the installed tools first. */
function environment() {
  const path = [dirname(node24), join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter);
  return { ...process.env, PATH: path };
}

/** npm does not pass on SIGKILL: when the npm that started us is gone, the cluster is stopped too. */
function followNpm(child) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== parent) child.kill("SIGTERM");
  }, 1_000);
  watch.unref();
}
