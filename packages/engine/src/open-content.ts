import { Readable } from "node:stream";
import type { ByteRange, FilePiece, FileRecord, FileStore } from "@sluice/domain";

type Opener = Pick<FileStore, "open">;

/** Where the bytes of an uploaded file are. */
export type StoredContent = Exclude<FileRecord["content"], { readonly kind: "view" }>;

/** A stream of an uploaded file's bytes, or of a range of them; where the store can choose, in chunks of this size. */
export async function openStored(
  files: Opener,
  content: StoredContent,
  range?: ByteRange,
  chunkBytes?: number,
): Promise<Readable> {
  if (content.kind === "stored") return files.open(content.key, range, chunkBytes);
  return openPieces({ open: (key, part) => files.open(key, part, chunkBytes) }, content.pieces, range);
}

/** A stream of a content that consists of several, or of a range of it; a piece is opened when it is its turn. */
export function openPieces(files: Opener, pieces: readonly FilePiece[], range?: ByteRange): Readable {
  return Readable.from(bytesOfPieces(files, pieces, range ?? { start: 0 }), { objectMode: false });
}

async function* bytesOfPieces(
  files: Opener,
  pieces: readonly FilePiece[],
  { start, end = Number.POSITIVE_INFINITY }: ByteRange,
): AsyncGenerator<Buffer> {
  let at = 0;
  for (const { key, bytes } of pieces) {
    const first = Math.max(start - at, 0);
    const last = Math.min(end - at, bytes);
    if (first < last) yield* await files.open(key, { start: first, end: last });
    at += bytes;
  }
}

/** What of a stream of chunks lies in a range. Ends as soon as the range does. */
export async function* cutTo(
  chunks: AsyncIterable<Buffer>,
  { start, end = Number.POSITIVE_INFINITY }: ByteRange,
): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of chunks) {
    const part = chunk.subarray(Math.max(start - at, 0), Math.max(end - at, 0));
    if (part.length > 0) yield part;
    at += chunk.length;
    if (at >= end) return;
  }
}
