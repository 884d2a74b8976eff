/** One server-sent event. */
export interface ServerSentEvent {
  /** `message` when the stream names none. */
  readonly event: string;
  readonly data: string;
  /** The last id that the stream gave; `""` before. */
  readonly id: string;
}

/** Reads a stream of server-sent events from its bytes, in pieces of any size. */
export interface ServerSentEventParser {
  /** The events that these bytes complete. What the stream's end leaves incomplete is never one. */
  push(bytes: Uint8Array): readonly ServerSentEvent[];
}

/**
 * Parses as the HTML standard says (section 9.2.6): any of the three line ends, comments, several `data` lines, a
 * leading byte order mark; `retry` is ignored. Bytes that are no UTF-8 become U+FFFD.
 */
export function createServerSentEventParser(): ServerSentEventParser {
  const decoder = new TextDecoder();
  let pending = "";
  let skipsLineFeed = false;
  let id = "";
  let event = "";
  let data: string[] = [];

  const takeLine = (line: string): ServerSentEvent | undefined => {
    if (line === "") return dispatch();
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") data.push(value);
    else if (name === "event") event = value;
    else if (name === "id" && !value.includes("\0")) id = value;
    return undefined;
  };
  const dispatch = (): ServerSentEvent | undefined => {
    const lines = data;
    const name = event;
    data = [];
    event = "";
    if (lines.length === 0) return undefined;
    return { event: name === "" ? "message" : name, data: lines.join("\n"), id };
  };

  return {
    push(bytes) {
      let text = decoder.decode(bytes, { stream: true });
      if (skipsLineFeed && text !== "") {
        skipsLineFeed = false;
        if (text.startsWith("\n")) text = text.slice(1);
      }
      const events: ServerSentEvent[] = [];
      let start = 0;
      for (const { index, 0: end } of text.matchAll(/\r\n|\n|\r/g)) {
        const found = takeLine(pending + text.slice(start, index));
        pending = "";
        start = index + end.length;
        if (found !== undefined) events.push(found);
        if (end === "\r" && start === text.length) skipsLineFeed = true;
      }
      pending += text.slice(start);
      return events;
    },
  };
}

/** Parses a whole stream at once; see {@link createServerSentEventParser}. */
export function parseServerSentEvents(stream: string | Uint8Array): readonly ServerSentEvent[] {
  return createServerSentEventParser().push(typeof stream === "string" ? Buffer.from(stream) : stream);
}
