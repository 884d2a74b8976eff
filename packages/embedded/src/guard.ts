// A process of its own, started by start-guarded.ts: runs one server and stops it cleanly as soon as the pipe to
// the parent closes. So a parent that is gone, even by kill -9, leaves no server behind.
import { type ChildProcess, spawn } from "node:child_process";
import { openSync, renameSync, rmSync, statSync } from "node:fs";
import type { GuardOrder, GuardReport } from "./start-guarded.ts";

let server: ChildProcess | undefined;
let stopping = false;
const rotateAtBytes = 10_000_000;

function report(message: GuardReport, then: () => void = () => undefined): void {
  // The parent may be gone at any moment; then there is nobody to tell.
  if (!process.connected || process.send === undefined) then();
  else process.send(message, undefined, undefined, then);
}

function stopServer(order: GuardOrder): void {
  if (stopping || server === undefined) return;
  stopping = true;
  server.kill("SIGCONT"); // a paused server cannot hear the next signal
  server.kill(order.stopSignal);
  setTimeout(() => server?.kill("SIGKILL"), order.stopTimeoutMs);
}

function finish(order: GuardOrder, exit: GuardReport): void {
  report(exit, () => {
    if (!process.connected && order.removeWhenOrphaned !== undefined) {
      rmSync(order.removeWhenOrphaned, { recursive: true, force: true });
    }
    process.exit();
  });
}

function openLog(file: string): number {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > rotateAtBytes) renameSync(file, `${file}.1`);
  return openSync(file, "a", 0o600);
}

function run(order: GuardOrder): void {
  const log = openLog(order.logFile);
  const child = spawn(order.command, order.args, {
    cwd: order.cwd,
    stdio: ["ignore", log, log],
    ...(order.uid === undefined ? {} : { uid: order.uid }),
    ...(order.gid === undefined ? {} : { gid: order.gid }),
  });
  server = child;
  child.on("spawn", () => report({ type: "started", pid: child.pid ?? 0 }));
  child.on("error", (error) => finish(order, { type: "failed", message: error.message }));
  child.on("exit", (code, signal) => finish(order, { type: "exited", code, signal }));
  process.on("disconnect", () => stopServer(order));
  process.on("message", () => stopServer(order));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stopServer(order));
}

process.once("disconnect", () => {
  if (server === undefined) process.exit();
});
process.once("message", (order) => run(order as GuardOrder));
