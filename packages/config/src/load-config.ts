import { readFile as readFileFromDisk } from "node:fs/promises";
import { type ConfigResult, parseConfig } from "./parse-config.ts";
import type { Environment } from "./yaml/expand-env.ts";

export interface LoadOptions {
  readonly path: string;
  readonly env: Environment;
  /** Reads a file as text; the disk by default. */
  readonly readFile?: (path: string) => Promise<string>;
}

/** Reads and checks a configuration file; a file that cannot be read is an error in the result. */
export async function loadConfig({ path, env, readFile = readText }: LoadOptions): Promise<ConfigResult> {
  let text: string;
  try {
    text = await readFile(path);
  } catch (cause) {
    const message = `cannot be read: ${reason(cause)}`;
    return { ok: false, errors: [{ file: path, line: 1, column: 1, path: "", message }] };
  }
  return parseConfig(text, { file: path, env });
}

function readText(path: string): Promise<string> {
  return readFileFromDisk(path, "utf8");
}

function reason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "permission denied";
  return code ?? "unknown error";
}
