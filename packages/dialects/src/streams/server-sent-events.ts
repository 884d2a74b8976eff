/** One event of a server-sent stream. */
export interface ServerSentEvent {
  /** Absent when the stream names none. */
  readonly name: string | undefined;
  /** Its lines of data, joined by line feeds. */
  readonly data: string;
}

export interface ServerSentEventParser {
  /** The events that these bytes complete. Throws a TypeError for what is not UTF-8. */
  push(bytes: Uint8Array): ServerSentEvent[];
  /** The event that the end of the stream completes: the blank line after the last one is often left out. */
  end(): ServerSentEvent[];
}

/**
 * Reads server-sent events from pieces that end anywhere, also inside a character or a CRLF. Keeps no more than the
 * event that is not complete yet. Comments, `id` and `retry` are skipped, and events without data.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function createServerSentEventParser(): ServerSentEventParser {
  // A byte order mark at the start is left out by the decoder.
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let endedInCr = false;
  let name: string | undefined;
  let data: string[] = [];

  /** Looks at each character once, however large the line that it belongs to becomes. */
  function readLines(decoded: string): ServerSentEvent[] {
    if (decoded === "") return [];
    const text = endedInCr && decoded.startsWith("\n") ? decoded.slice(1) : decoded;
    endedInCr = decoded.endsWith("\r");
    const lines = text.split(/\r\n|\n|\r/);
    lines[0] = rest + (lines[0] ?? "");
    rest = lines.pop() ?? "";
    return lines.flatMap(readLine);
  }

  function readLine(line: string): ServerSentEvent[] {
    if (line === "") return complete();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") data.push(value);
    else if (field === "event") name = value === "" ? undefined : value;
    return [];
  }

  function complete(): ServerSentEvent[] {
    const found = data.length === 0 ? [] : [{ name, data: data.join("\n") }];
    name = undefined;
    data = [];
    return found;
  }

  return {
    push: (bytes) => readLines(decoder.decode(bytes, { stream: true })),
    end: () => [...readLines(decoder.decode()), ...(rest === "" ? [] : readLines("\n")), ...complete()],
  };
}
