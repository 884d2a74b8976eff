/** One line without its line break; `tooLong` lines come without their bytes. */
export interface RawLine {
  /** 1-based. */
  readonly number: number;
  readonly bytes: Buffer;
  readonly tooLong: boolean;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

/**
 * Splits a stream into lines at LF or CRLF, in groups of at most `mostLines` that come from one chunk; memory is bounded by
 * `maxBytes` and a chunk.
 */
export async function* splitLines(
  content: AsyncIterable<Buffer>,
  maxBytes: number,
  mostLines = Number.POSITIVE_INFINITY,
): AsyncGenerator<RawLine[]> {
  // One byte more may be the return before the line feed, which does not count.
  const keptBytes = maxBytes + 1;
  let number = 0;
  let rest: Buffer[] = [];
  let restBytes = 0;

  function takeLine(): RawLine {
    number += 1;
    const whole = Buffer.concat(rest);
    const end = whole.at(-1) === carriageReturn ? whole.length - 1 : whole.length;
    const tooLong = restBytes > keptBytes || end > maxBytes;
    rest = [];
    restBytes = 0;
    return { number, bytes: tooLong ? Buffer.alloc(0) : whole.subarray(0, end), tooLong };
  }

  /** Bytes of a line that is too long already are counted but not kept. */
  function keep(part: Buffer): void {
    restBytes += part.length;
    if (restBytes <= keptBytes) rest.push(part);
    else rest = [];
  }

  for await (const chunk of content) {
    let lines: RawLine[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      keep(chunk.subarray(from, at));
      lines.push(takeLine());
      from = at + 1;
      if (lines.length < mostLines) continue;
      yield lines;
      lines = [];
    }
    if (from < chunk.length) keep(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (restBytes > 0) yield [takeLine()];
}

/** Whether a line holds nothing but white space. */
export function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === carriageReturn);
}
