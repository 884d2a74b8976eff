import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, join } from "node:path";

const lookEveryMs = 2_000;
/** The same message is told again after this long, with how often it came meanwhile. */
const quietMs = 60_000;
const mostBytesPerLook = 1 << 20;

/** Tells, in plain lines, what children write into their logs as warnings and errors; answers how to stop. */
export function watchLogs(dataDir: string, say: (line: string) => void): () => void {
  const folder = join(dataDir, "logs");
  const ends = new Map(logsIn(folder).map((file) => [file, sizeOf(file)]));
  const digest = createLogDigest(say);
  const look = (file: string): void => {
    const end = sizeOf(file);
    const before = ends.get(file) ?? 0;
    // A file that became shorter was rotated: it is read from its beginning.
    const start = Math.max(end < before ? 0 : before, end - mostBytesPerLook);
    const lines = start < end ? readLines(file, start, end) : "";
    ends.set(file, start + Buffer.byteLength(lines));
    digest.add(basename(file, ".log"), lines, performance.now());
  };
  const timer = setInterval(() => logsIn(folder).forEach(look), lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Sums up log lines: each message once, then silence for a minute. */
export interface LogDigest {
  /** `now` in milliseconds of any clock that does not step back. */
  add(child: string, text: string, now: number): void;
}

/** Makes a digest that tells its lines to `say`. */
export function createLogDigest(say: (line: string) => void): LogDigest {
  const told = new Map<string, { at: number; more: number }>();
  return {
    add(child, text, now) {
      for (const line of text.split("\n")) {
        const found = readLogLine(line);
        if (found === undefined) continue;
        const key = `${child} ${found.msg}`;
        const last = told.get(key);
        if (last !== undefined && now - last.at < quietMs) {
          last.more += 1;
          continue;
        }
        const again =
          last !== undefined && last.more > 0 ? ` (and ${last.more} more in the last minute)` : "";
        say(`${child} ${found.level === "warn" ? "warns" : "reports an error"}: ${found.msg}${again}`);
        told.set(key, { at: now, more: 0 });
      }
    },
  };
}

function readLogLine(line: string): { level: string; msg: string } | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const { level, msg, err } = JSON.parse(line) as {
      level?: unknown;
      msg?: unknown;
      err?: { message?: unknown };
    };
    if (typeof msg !== "string" || (level !== "warn" && level !== "error" && level !== "fatal"))
      return undefined;
    return { level, msg: typeof err?.message === "string" ? `${msg}: ${err.message.split("\n")[0]}` : msg };
  } catch {
    return undefined;
  }
}

function logsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".log"))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Whole lines only: the rest of a line that is still being written is read at the next look. */
function readLines(file: string, start: number, end: number): string {
  const descriptor = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(end - start);
    const read = readSync(descriptor, bytes, 0, bytes.length, start);
    return bytes.toString("utf8", 0, bytes.subarray(0, read).lastIndexOf(0x0a) + 1);
  } finally {
    closeSync(descriptor);
  }
}
