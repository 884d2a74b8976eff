import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, startOf } from "@sluice/embedded";

/** One process: its id alone may be given to another one after its death, its start time may not. */
type Holder = { readonly pid: number; readonly startedAt: string | undefined };

/**
 * Makes this process the only supervisor of `dataDir` and answers how to let it go. The lock of a process that is gone
 * is taken over. Throws, naming the process, when another supervisor lives.
 */
export function lockDataDirectory(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = join(dataDir, "lock");
  const mine = `${JSON.stringify({ pid: process.pid, startedAt: startOf(process.pid) } satisfies Holder)}\n`;
  while (!take(lock, mine)) {
    const found = read(lock);
    if (found === undefined) continue;
    const holder = parse(found);
    if (holder !== undefined && lives(holder)) throw new Error(inUse(dataDir, holder));
    removeStale(lock, found);
  }
  return () => {
    if (read(lock) === mine) rmSync(lock, { force: true });
  };
}

function inUse(dataDir: string, holder: Holder): string {
  return (
    `Sluice already runs on the data directory ${dataDir} (process ${holder.pid}): ` +
    "stop it first, or set SLUICE_DATA_DIR to another directory."
  );
}

function lives(holder: Holder): boolean {
  return isAlive(holder.pid) && startOf(holder.pid) === holder.startedAt;
}

/** Writes beside and links: the lock appears with its content, or not at all. */
function take(lock: string, content: string): boolean {
  const draft = `${lock}.${randomBytes(6).toString("hex")}`;
  writeFileSync(draft, content, { mode: 0o600 });
  try {
    linkSync(draft, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Moves the lock away and looks again: another starter may have replaced the stale one between reading and moving. */
function removeStale(lock: string, stale: string): void {
  const aside = `${lock}.${randomBytes(6).toString("hex")}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const moved = read(aside);
  if (moved !== undefined && moved !== stale) take(lock, moved);
  rmSync(aside, { force: true });
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function parse(content: string): Holder | undefined {
  try {
    return JSON.parse(content) as Holder;
  } catch {
    return undefined;
  }
}
