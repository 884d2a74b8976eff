import type { Readable } from "node:stream";

export interface StoredFile {
  /** Content-addressed key. */
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Where JSONL files and large payloads live. */
export interface FileStore {
  /** Streams to the store; nothing is visible until it is complete. Throws {@link FileTooLarge} above `maxBytes`. */
  put(content: Readable | Buffer, options?: { readonly maxBytes?: number }): Promise<StoredFile>;
  /** A stream of the bytes, or of the half-open range [start, end). Throws `FileMissing` for an unknown key. */
  open(key: string, range?: { readonly start: number; readonly end?: number }): Promise<Readable>;
  read(key: string): Promise<Buffer>;
  delete(key: string): Promise<void>;
}

export class FileTooLarge extends Error {
  override readonly name = "FileTooLarge";
  readonly maxBytes: number;
  constructor(maxBytes: number) {
    super(`the file is larger than ${maxBytes} bytes`);
    this.maxBytes = maxBytes;
  }
}

export class FileMissing extends Error {
  override readonly name = "FileMissing";
}
