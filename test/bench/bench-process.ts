import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { exitWhenParentDies } from "@sluice/embedded";
import { cpuMsOfTree } from "./measure/cpu-time.ts";

/** What a process of the bench is started from. */
export interface BenchProcessOptions {
  readonly name: string;
  /** Path of the program from the root of the repository. */
  readonly program: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Gets a file per process with what it said. */
  readonly logFolder: string;
  /** Gets a CPU profile of the process when it ends; no profile without. */
  readonly profileFolder?: string | undefined;
}

/** A process that is ready. */
export interface BenchProcess {
  readonly name: string;
  /** URL it told when it became ready; empty when it has none. */
  readonly url: string;
  cpuMs(): number;
  /** Sends a message and waits for the next one. */
  ask(message: object): Promise<unknown>;
  /** SIGTERM; waits for its end. */
  stop(): Promise<void>;
}

const root = new URL("../../", import.meta.url);

/** Starts a program of this repository and waits until it says that it is ready. Rejects when it ends before. */
export async function startProcess(options: BenchProcessOptions): Promise<BenchProcess> {
  const child = spawn(options);
  const ended = once(child, "exit").then(() => {
    throw new Error(
      `${options.name} ended before it was ready; see ${options.logFolder}/${options.name}.log`,
    );
  });
  const ready = (await Promise.race([once(child, "message"), ended])) as [{ readonly url?: string }];
  ended.catch(() => undefined);
  const { pid = 0 } = child;
  return {
    name: options.name,
    url: ready[0].url ?? "",
    cpuMs: () => cpuMsOfTree(pid),
    ask: (message) => ask(child, message),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    },
  };
}

function spawn(options: BenchProcessOptions): ChildProcess {
  mkdirSync(options.logFolder, { recursive: true });
  const out = openSync(join(options.logFolder, `${options.name}.log`), "a");
  const profile =
    options.profileFolder === undefined
      ? []
      : [
          "--cpu-prof",
          `--cpu-prof-dir=${options.profileFolder}`,
          `--cpu-prof-name=${options.name}.cpuprofile`,
        ];
  const child = fork(new URL(options.program, root), options.args ?? [], {
    env: { ...process.env, ...options.env },
    execArgv: ["--import", exitWhenParentDies.href, ...profile],
    stdio: ["ignore", out, out, "ipc"],
  });
  closeSync(out);
  return child;
}

async function ask(child: ChildProcess, message: object): Promise<unknown> {
  const answer = once(child, "message");
  child.send(message);
  const [reply] = await answer;
  return reply;
}
