import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { FileMissing, type FileStore, FileTooLarge } from "@sluice/domain";
import { createFaults, type Faults } from "./faults.ts";

/** A file store in memory. */
export interface MemoryFiles extends FileStore {
  readonly contents: Map<string, Buffer>;
  readonly faults: Faults<"put" | "open" | "read">;
}

/** Makes an empty store. */
export function createMemoryFiles(): MemoryFiles {
  const contents = new Map<string, Buffer>();
  const faults = createFaults<"put" | "open" | "read">();

  function found(key: string): Buffer {
    const bytes = contents.get(key);
    if (bytes === undefined) throw new FileMissing("there is no such file");
    return bytes;
  }

  async function gathered(content: Readable | Buffer, maxBytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of Buffer.isBuffer(content) ? [content] : (content as AsyncIterable<Buffer>)) {
      size += part.length;
      if (size > maxBytes) throw new FileTooLarge(maxBytes);
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  return {
    contents,
    faults,
    async put(content, options = {}) {
      const bytes = await gathered(content, options.maxBytes ?? Number.POSITIVE_INFINITY);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const key = options.claim === undefined ? sha256 : `c-${sha256}`;
      await options.claim?.(key);
      return faults.run("put", () => {
        contents.set(key, bytes);
        return { key, bytes: bytes.length, sha256 };
      });
    },
    open: (key, range) =>
      faults.run("open", () =>
        Readable.from([found(key).subarray(range?.start ?? 0, range?.end)], { objectMode: false }),
      ),
    read: (key) => faults.run("read", () => Buffer.from(found(key))),
    delete: async (key) => void contents.delete(key),
    removeAbandoned: async () => 0,
  };
}
