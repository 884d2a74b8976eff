import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ServerExit } from "./running-server.ts";

/** What a guard is told to run, and how to stop it. */
export type GuardOrder = {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
  /** A scratch directory that the guard removes when its parent died before it could. */
  readonly removeWhenOrphaned?: string;
};

/** What a guard tells its parent. */
export type GuardReport =
  | { readonly type: "started"; readonly pid: number }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "exited"; readonly code: number | null; readonly signal: string | null };

/** A server process under a guard. */
export type GuardedProcess = {
  readonly pid: number;
  readonly exited: Promise<ServerExit>;
  /** Asks the guard to stop the server cleanly (SIGKILL after the order's timeout) and waits until it is gone. */
  stop(): Promise<void>;
};

const guardScript = fileURLToPath(new URL("./guard.ts", import.meta.url));

/** Starts a command under a guard; rejects when the command cannot be started at all. */
export function startGuarded(order: GuardOrder): Promise<GuardedProcess> {
  // A session of its own: Ctrl-C in the terminal reaches the supervisor only, which then stops things in order.
  const guard = spawn(process.execPath, [guardScript], {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  return new Promise((resolve, reject) => {
    // More than one may come: of the start, and of the order that then finds nobody.
    guard.on("error", reject);
    guard.send(order, (error) => error && reject(error));
    guard.once("exit", () =>
      reject(new Error(`the guard of ${order.command} ended before it started anything`)),
    );
    guard.on("message", (message) => {
      const report = message as GuardReport;
      if (report.type === "failed") reject(new Error(`cannot run ${order.command}: ${report.message}`));
      if (report.type === "started") resolve(guardedProcess(guard, report.pid));
    });
  });
}

function guardedProcess(guard: ChildProcess, pid: number): GuardedProcess {
  const exited = new Promise<ServerExit>((resolve) => {
    let reported = false;
    guard.on("message", (message) => {
      const report = message as GuardReport;
      if (report.type !== "exited") return;
      reported = true;
      resolve({ code: report.code, signal: report.signal });
    });
    // "disconnect" comes after the last message. Without a report the guard itself was killed, and a server
    // without a guard must not live on.
    guard.on("disconnect", () => {
      if (!reported) killQuietly(pid);
      resolve({ code: null, signal: "SIGKILL" });
    });
  });
  const stop = async (): Promise<void> => {
    if (guard.connected) guard.send("stop", () => undefined);
    await exited;
  };
  return { pid, exited, stop };
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}
