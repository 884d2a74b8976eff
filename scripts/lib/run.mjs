// Runs a TypeScript file under this project's Node 24 and becomes as thin as possible around it.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { node24, root } from "./install.mjs";

const exitWhenParentDies = "packages/embedded/src/exit-when-parent-dies.ts";
const forwarded = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"];

/**
 * Runs `script` (a path from the root) with inherited input and output, forwards signals and ends with its exit code.
 * The script holds a pipe to this process. When this process is killed, a script that `drains` sees "disconnect" and
 * stops in its own order; any other is ended at once.
 */
export function become(script, args, { drains = false } = {}) {
  const preload = drains ? [] : ["--import", pathToFileURL(join(root, exitWhenParentDies)).href];
  const child = spawn(node24, [...preload, join(root, script), ...args], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: environment(),
  });
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  followNpm(child);
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

/**
 * What npm or npx started is stopped when they are gone: they cannot pass on SIGKILL, and npx passes other signals
 * to a shell that does not pass them on.
 */
function followNpm(child) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const ancestors = ancestorsUpToNpm();
  const watch = setInterval(() => {
    if (ancestorsUpToNpm() === ancestors) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, 500);
}

/** Our parent, and when that is the shell in between (seen on Linux only), its parent too. */
function ancestorsUpToNpm() {
  try {
    const [program, option] = readFileSync(`/proc/${process.ppid}/cmdline`, "utf8").split("\0");
    if (basename(program) !== "sh" || option !== "-c") return `${process.ppid}`;
    const status = readFileSync(`/proc/${process.ppid}/status`, "utf8");
    return `${process.ppid} ${/^PPid:\s*(\d+)/m.exec(status)?.[1]}`;
  } catch {
    return `${process.ppid}`;
  }
}
