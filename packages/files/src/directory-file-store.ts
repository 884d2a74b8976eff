import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { type FileStore, FileTooLarge, type PutOptions, type StoredFile } from "@sluice/domain";
import { checkRange, contentKey, contentPath, isEmptyRange, missingFile } from "./content-key.ts";
import { isMissing, syncDirectory } from "./durable-directory.ts";

export interface DirectoryFileStoreOptions {
  /** Absolute path; made when the first file is put. */
  readonly directory: string;
  /** A name that no other upload has, also of other processes. */
  readonly temporaryName?: () => string;
}

const uploads = "uploads";
const usualChunkBytes = 65_536;

/**
 * Keeps each file under its SHA-256 (`ab/cd/abcd…`), so that equal files are stored once and a file that
 * can be seen is complete: it is written and synced elsewhere, then renamed into its place.
 */
export function createDirectoryFileStore(options: DirectoryFileStoreOptions): FileStore {
  const { directory, temporaryName = randomUUID } = options;
  return {
    put: (content, how = {}) => put({ directory, temporaryName, content, how }),
    async open(key, range = { start: 0 }, chunkBytes = usualChunkBytes) {
      const { start, end } = checkRange(range);
      const handle = await orMissing(key, () => open(pathOf(directory, key), "r"));
      if (isEmptyRange({ start, ...(end === undefined ? {} : { end }) })) {
        await handle.close();
        return Readable.from([]);
      }
      // The stream's `end` is inclusive, the port's is not.
      const bounds = { start, ...(end === undefined ? {} : { end: end - 1 }) };
      return handle.createReadStream({ ...bounds, highWaterMark: chunkBytes });
    },
    read: (key) => orMissing(key, () => readFile(pathOf(directory, key))),
    delete: (key) => rm(pathOf(directory, key), { force: true }),
    removeAbandoned: (before) => removeStale(join(directory, uploads), before),
  };
}

function pathOf(directory: string, key: string): string {
  return join(directory, contentPath(key));
}

async function orMissing<T>(key: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (isMissing(error)) throw missingFile(key, error);
    throw error;
  }
}

interface Put {
  readonly directory: string;
  readonly temporaryName: () => string;
  readonly content: Readable | Buffer;
  readonly how: PutOptions;
}

async function put({ directory, temporaryName, content, how }: Put): Promise<StoredFile> {
  const folder = join(directory, uploads);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, temporaryName());
  try {
    const written = await writeTemporary(temporary, content, how.maxBytes ?? Number.POSITIVE_INFINITY);
    const key = contentKey(written.sha256, { claimed: how.claim !== undefined });
    await how.claim?.(key);
    await moveIntoPlace(directory, temporary, pathOf(directory, key));
    return { key, ...written };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeTemporary(
  path: string,
  content: Readable | Buffer,
  maxBytes: number,
): Promise<Omit<StoredFile, "key">> {
  const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    const copied = await copy(content, handle, maxBytes);
    await handle.sync();
    return copied;
  } finally {
    await handle.close();
  }
}

/** Chunk by chunk: memory does not grow with the file. Leaving the loop early destroys the source. */
async function copy(content: Readable | Buffer, to: FileHandle, maxBytes: number) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of Buffer.isBuffer(content) ? [content] : content) {
    const part: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
    bytes += part.length;
    if (bytes > maxBytes) throw new FileTooLarge(maxBytes);
    hash.update(part);
    await writeAll(to, part);
  }
  return { bytes, sha256: hash.digest("hex") };
}

async function writeAll(to: FileHandle, part: Buffer): Promise<void> {
  let offset = 0;
  while (offset < part.length) offset += (await to.write(part, offset)).bytesWritten;
}

/** A rename is on disk only when its directory is, and a new directory only when its parent is. */
async function moveIntoPlace(directory: string, from: string, to: string): Promise<void> {
  const folder = dirname(to);
  const made = await mkdir(folder, { recursive: true });
  await rename(from, to);
  await syncDirectory(folder);
  if (made !== undefined) {
    await syncDirectory(dirname(folder));
    await syncDirectory(directory);
  }
}

async function removeStale(folder: string, before: number): Promise<number> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  let removed = 0;
  for (const name of names) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || found.mtimeMs >= before) continue;
    await rm(path, { force: true });
    removed += 1;
  }
  return removed;
}
