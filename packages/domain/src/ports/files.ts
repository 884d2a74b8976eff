import type { Readable } from "node:stream";

export interface StoredFile {
  /** Content-addressed key. */
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** How a content is put. */
export interface PutOptions {
  readonly maxBytes?: number;
  /**
   * Called with the key once all bytes are with the store and before they can be seen under it; when it throws,
   * nothing is kept. Claimed contents have keys of their own, so that one can be deleted without a look at what was
   * put without a claim.
   */
  readonly claim?: (key: string) => Promise<void>;
}

/** Half-open, in bytes: [start, end). */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** Where JSONL files and large payloads live. */
export interface FileStore {
  /** Streams to the store; nothing is visible until it is complete. Throws {@link FileTooLarge} above `maxBytes`. */
  put(content: Readable | Buffer, options?: PutOptions): Promise<StoredFile>;
  /**
   * A stream of the bytes, or of a range of them; where the store can choose, in chunks of at most `chunkBytes`. Throws
   * `FileMissing` for an unknown key.
   */
  open(key: string, range?: ByteRange, chunkBytes?: number): Promise<Readable>;
  read(key: string): Promise<Buffer>;
  delete(key: string): Promise<void>;
  /** Deletes what uploads left behind that broke off before `before` (ms since 1970); answers how many. */
  removeAbandoned(before: number): Promise<number>;
}

/** A content is larger than its `maxBytes`. */
export class FileTooLarge extends Error {
  override readonly name = "FileTooLarge";
  readonly maxBytes: number;
  constructor(maxBytes: number) {
    super(`the file is larger than ${maxBytes} bytes`);
    this.maxBytes = maxBytes;
  }
}

/** The store has no content of this key. */
export class FileMissing extends Error {
  override readonly name = "FileMissing";
}
