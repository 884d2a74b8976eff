type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** A message of a server-sent stream. */
export interface StreamMessage {
  readonly id: string | undefined;
  readonly data: string;
}

/** Splits bytes into lines, at whatever places they were cut. What follows the last line feed is given too. */
export async function* linesOf(bytes: Bytes): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of bytes) {
    const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.endsWith("\r") ? line.slice(0, -1) : line;
  }
  if (rest !== "") yield rest;
}

/** The messages that have data; one that broke off before its empty line is none. */
export async function* messagesOf(bytes: Bytes): AsyncGenerator<StreamMessage> {
  let id: string | undefined;
  let data: string[] = [];
  for await (const line of linesOf(bytes)) {
    if (line === "") {
      if (data.length > 0) yield { id, data: data.join("\n") };
      [id, data] = [undefined, []];
    }
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === "id") id = value;
    if (name === "data") data.push(value);
  }
}
