/** Yields the lines of a byte stream without their newline; a last line without one counts, an empty one does not. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      rest.push(bytes.subarray(start, end));
      const line = Buffer.concat(rest);
      rest = [];
      start = end + 1;
      if (line.length > 0) yield line;
    }
    if (start < bytes.length) rest.push(bytes.subarray(start));
  }
  const last = Buffer.concat(rest);
  if (last.length > 0) yield last;
}
