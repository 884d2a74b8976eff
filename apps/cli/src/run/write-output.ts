import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CliError, sentenceOf } from "../context.ts";
import { readFailedLine } from "./failed-line.ts";
import { linesOf } from "./split-stream.ts";

/** The two files of a batch; `undefined` when it has no line on that side. */
export interface BatchFiles {
  readonly output: AsyncIterable<Uint8Array> | undefined;
  readonly errors: AsyncIterable<Uint8Array> | undefined;
}

/** How many lines were written, and why some did not succeed. */
export interface WrittenLines {
  readonly succeeded: number;
  readonly failed: number;
  /** Reasons, the most frequent first, each with the first line it was met in. */
  readonly reasons: readonly { readonly reason: string; readonly lines: number; readonly firstId: string }[];
}

const gatheredBytes = 1 << 20;

/**
 * Writes both files as one: beside `path` first, then renamed, so that `path` never holds half a result. Throws
 * {@link CliError} when it cannot be written, and what `check` throws of the lines; what was there before then stays.
 */
export async function writeOutput(
  path: string,
  files: BatchFiles,
  check: (written: WrittenLines) => void = () => undefined,
): Promise<WrittenLines> {
  const target = resolve(path);
  const draft = `${target}.${randomBytes(4).toString("hex")}.part`;
  const handle = await openDraft(draft, path);
  try {
    const written = await writeLines(handle, files);
    check(written);
    await handle.sync();
    await handle.close();
    await rename(draft, target);
    return written;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw error;
  }
}

/** Throws when no file could be written at `path`; leaves nothing behind. To be asked before hours of work. */
export async function assertWritable(path: string): Promise<void> {
  const draft = `${resolve(path)}.${randomBytes(4).toString("hex")}.part`;
  const handle = await openDraft(draft, path);
  await handle.close();
  await rm(draft, { force: true });
}

async function openDraft(draft: string, path: string): Promise<FileHandle> {
  return open(draft, "wx").catch((error: unknown) => {
    throw new CliError(`${path} cannot be written in ${dirname(draft)}: ${sentenceOf(error)}`, 1, error);
  });
}

async function writeLines(handle: FileHandle, { output, errors }: BatchFiles): Promise<WrittenLines> {
  const writer = gatheringWriter(handle);
  const reasons = new Map<string, { reason: string; lines: number; firstId: string }>();
  let succeeded = 0;
  let failed = 0;
  for await (const line of output === undefined ? [] : linesOf(output)) {
    await writer.add(line);
    succeeded += 1;
  }
  for await (const line of errors === undefined ? [] : linesOf(errors)) {
    const { customId, reason, bytes } = readFailedLine(line);
    await writer.add(bytes);
    failed += 1;
    const known = reasons.get(reason) ?? { reason, lines: 0, firstId: customId };
    reasons.set(reason, { ...known, lines: known.lines + 1 });
  }
  await writer.end();
  return { succeeded, failed, reasons: [...reasons.values()].sort((a, b) => b.lines - a.lines) };
}

/** Writes in pieces of about a megabyte: a write for each line would take a system call each. */
function gatheringWriter(handle: FileHandle): { add(line: Buffer): Promise<void>; end(): Promise<void> } {
  const newline = Buffer.from("\n");
  let pieces: Buffer[] = [];
  let size = 0;
  const end = async (): Promise<void> => {
    const bytes = Buffer.concat(pieces);
    pieces = [];
    size = 0;
    if (bytes.length > 0) await handle.writeFile(bytes);
  };
  return {
    end,
    add: async (line) => {
      pieces.push(line, newline);
      size += line.length + 1;
      if (size >= gatheredBytes) await end();
    },
  };
}
