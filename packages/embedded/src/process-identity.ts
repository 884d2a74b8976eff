import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/**
 * Whether a process with this id runs, whoever owns it. One that has ended and was not yet collected by its parent (in
 * a container without an init nobody may ever collect it) does not run.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return process.platform !== "linux" || statField(pid, 3) !== "Z";
}

/** Whether `pid` is a live process that works inside `directory`; ids are reused, so an id alone proves nothing. */
export function worksIn(pid: number, directory: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    return workingDirectory(pid) === realpathSync(directory);
  } catch {
    return false;
  }
}

function workingDirectory(pid: number): string {
  if (process.platform === "linux") return readlinkSync(`/proc/${pid}/cwd`);
  const fields = execFileSync("lsof", ["-a", "-p", String(pid), "-d", "cwd", "-Fn"], { encoding: "utf8" });
  return (
    fields
      .split("\n")
      .find((line) => line.startsWith("n"))
      ?.slice(1) ?? ""
  );
}

/** Ids of the direct children of a process. */
export function childrenOf(pid: number): number[] {
  if (process.platform !== "linux") {
    const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
    const rows = table
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number));
    return rows.filter(([, parent]) => parent === pid).map(([child]) => child ?? 0);
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => statField(id, 4) === String(pid));
}

/**
 * When a process started, as text that is compared only for equality; undefined when there is no such process.
 * With the id it names one process for good.
 */
export function startOf(pid: number): string | undefined {
  if (process.platform === "linux") return statField(pid, 22);
  try {
    return execFileSync("ps", ["-p", String(pid), "-o", "lstart="], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Field `number` (counted from 1, as in proc(5)) of /proc/PID/stat. */
function statField(pid: number, number: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Field 2 is the command in parentheses and may hold spaces; what follows its last ")" starts with field 3.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[number - 3];
  } catch {
    return undefined;
  }
}
