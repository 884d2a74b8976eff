import type { Readable } from "node:stream";

const snippetBytes = 1024;

/**
 * Reads an answer's body up to `maxBytes`, so that a short one leaves its connection reusable and an endless one is
 * cut, and returns its first 1 KiB as text without NULs (PostgreSQL's text has none). A body that breaks off is no error.
 */
export async function readSnippet(body: Readable, maxBytes: number): Promise<string> {
  const kept: Buffer[] = [];
  let size = 0;
  body.on("error", () => undefined); // destroying it below reports an abort that nobody waits for
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (size < snippetBytes) kept.push(chunk);
      size += chunk.length;
      if (size > maxBytes) break;
    }
  } catch {
    // Reset, timeout or abort in the middle of the body: the status line has already said all that counts.
  }
  body.destroy();
  // "stream" leaves out a character that the cut has split.
  const text = new TextDecoder().decode(Buffer.concat(kept).subarray(0, snippetBytes), { stream: true });
  return text.replaceAll("\0", "\uFFFD");
}
