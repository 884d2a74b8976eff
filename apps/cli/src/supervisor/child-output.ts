import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

const rotateAtBytes = 10_000_000;

/** Where a child's output goes, and what it last said. */
export type ChildOutput = {
  /** Runs `use` with what spawn wants for stdout and stderr. */
  open<T>(use: (output: number | "inherit") => T): T;
  /** The last lines, for the message about a child that did not start; empty when it speaks on our own output. */
  tail(): string;
};

/** The supervisor's own output. */
export const inheritedOutput: ChildOutput = { open: (use) => use("inherit"), tail: () => "" };

/** `dataDir/logs/NAME.log`: a file and no pipe, so that a child never blocks on, or loses, a supervisor that is gone. */
export function fileOutput(dataDir: string, name: string): ChildOutput {
  const folder = join(dataDir, "logs");
  const file = join(folder, `${name}.log`);
  return {
    open: (use) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      rotate(file);
      const descriptor = openSync(file, "a", 0o600);
      try {
        return use(descriptor);
      } finally {
        closeSync(descriptor);
      }
    },
    tail: () => lastLines(file),
  };
}

function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > rotateAtBytes) renameSync(file, `${file}.1`);
}

/** What a person can read: no structured log lines, no stack frames, nothing twice. */
function lastLines(file: string): string {
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    const plain = lines.filter((line) => line.trim() !== "" && !/^(?:\{|\s+at |Node\.js v)/.test(line));
    return [...new Set(plain)].slice(-5).join("\n");
  } catch {
    return "";
  }
}
