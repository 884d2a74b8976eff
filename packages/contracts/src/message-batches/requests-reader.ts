import { SluiceError } from "@sluice/domain";
import { maxJsonDepth } from "../json-depth.ts";

/** Takes `{"requests": [{…}, …]}` apart while it comes. */
export interface RequestsReader {
  /** The bytes of the requests that end in this chunk. Throws naming what is at fault; the reader is of no use then. */
  push(chunk: Buffer): Buffer[];
  /** Throws unless the body was complete. */
  end(): void;
  /** Bytes that are held: of the request that is being read, or of a key. */
  heldBytes(): number;
}

const space: ReadonlySet<number> = new Set([0x20, 0x0a, 0x0d, 0x09]);
const [quote, comma, colon, backslash] = [0x22, 0x2c, 0x3a, 0x5c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];
const byteOrderMark = [0xef, 0xbb, 0xbf];
/** Longer keys are cut: they are not `requests`. */
const mostKeyBytes = 64;

/** What may come next beside white space. */
type Place =
  | "body"
  | "first key"
  | "key"
  | "colon"
  | "array"
  | "first request"
  | "request"
  | "behind request"
  | "behind array"
  | "end";

/**
 * Knows this one shape only, so that the first byte that does not belong to it ends the reading. Of a request it counts
 * brackets and skips strings; whether it is JSON is for the parser of its bytes to say. Holds one request at a time, of
 * at most `mostRequestBytes`.
 */
export function createRequestsReader(mostRequestBytes: number): RequestsReader {
  let place: Place = "body";
  let inside: "nothing" | "key" | "request" = "nothing";
  let [offset, index, depth] = [0, 0, 0];
  let [inString, escaped, hasRequests] = [false, false, false];
  let held: Buffer[] = [];
  let heldBytes = 0;

  function hold(part: Buffer, most: number): void {
    if (heldBytes < most) held.push(part);
    heldBytes += part.length;
  }

  function release(): Buffer {
    const whole = Buffer.concat(held);
    held = [];
    heldBytes = 0;
    return whole;
  }

  /** A byte outside of keys and requests. */
  function step(byte: number): void {
    if (space.has(byte) || (offset < byteOrderMark.length && byte === byteOrderMark[offset])) return;
    switch (place) {
      case "body":
        if (byte !== openBrace) throw invalidBody();
        place = "first key";
        return;
      case "first key":
      case "key":
        if (byte === closeBrace && place === "first key") place = "end";
        else if (byte === quote) inside = "key";
        else throw misplaced();
        return;
      case "colon":
        if (byte !== colon) throw misplaced();
        place = "array";
        return;
      case "array":
        if (byte !== openBracket) throw invalidValue("requests", "must be an array");
        place = "first request";
        return;
      case "first request":
      case "request":
        if (byte === closeBracket && place === "first request")
          throw invalidValue("requests", "must have at least one request");
        throw invalidValue(`requests.${index}`, "must be an object");
      case "behind request":
        if (byte !== comma && byte !== closeBracket) throw misplaced();
        place = byte === comma ? "request" : "behind array";
        return;
      case "behind array":
        if (byte !== comma && byte !== closeBrace) throw misplaced();
        place = byte === comma ? "key" : "end";
        return;
      case "end":
        throw misplaced();
    }
  }

  /** The brace that opens a request belongs to it. */
  function opensRequest(): boolean {
    return place === "first request" || place === "request";
  }

  /** The place behind the key, or the chunk's end. */
  function takeKey(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at];
      if (escaped) escaped = false;
      else if (byte === backslash) escaped = true;
      else if (byte === quote) {
        hold(chunk.subarray(from, at), mostKeyBytes);
        checkKey(release().toString("utf8"));
        return at + 1;
      }
    }
    hold(chunk.subarray(from), mostKeyBytes);
    return chunk.length;
  }

  function checkKey(raw: string): void {
    const key = unescaped(raw).slice(0, mostKeyBytes).toWellFormed();
    if (key !== "requests")
      throw new SluiceError("unknown_parameter", `Unknown parameter: '${key}'.`, { param: key });
    if (hasRequests)
      throw new SluiceError("duplicate_key", "The key 'requests' stands more than once.", { param: key });
    hasRequests = true;
    inside = "nothing";
    place = "colon";
  }

  /** The place behind the request, or the chunk's end; its opening brace has been seen. */
  function takeRequest(chunk: Buffer, from: number, found: Buffer[]): number {
    const end = endOfRequest(chunk, from);
    hold(chunk.subarray(from, end ?? chunk.length), Number.POSITIVE_INFINITY);
    if (heldBytes > mostRequestBytes) {
      const param = `requests.${index}`;
      throw new SluiceError("payload_too_large", `'${param}' may be at most ${mostRequestBytes} bytes.`, {
        param,
      });
    }
    if (end === undefined) return chunk.length;
    found.push(release());
    index += 1;
    inside = "nothing";
    place = "behind request";
    return end;
  }

  function endOfRequest(chunk: Buffer, from: number): number | undefined {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) inString = false;
      } else if (byte === quote) inString = true;
      else if (byte === openBrace || byte === openBracket) {
        depth += 1;
        if (depth > maxJsonDepth) throw tooDeep(index);
      } else if (byte === closeBrace || byte === closeBracket) {
        depth -= 1;
        if (depth === 0) return at + 1;
      }
    }
    return undefined;
  }

  function misplaced(): SluiceError {
    return new SluiceError("invalid_json", `The body is not valid JSON: the fault is at byte ${offset}.`);
  }

  return {
    heldBytes: () => held.reduce((sum, part) => sum + part.length, 0),
    push(chunk) {
      const found: Buffer[] = [];
      const base = offset;
      for (let at = 0; at < chunk.length; offset = base + at) {
        if (inside === "key") at = takeKey(chunk, at);
        else if (inside === "request") at = takeRequest(chunk, at, found);
        else if (chunk[at] === openBrace && opensRequest()) inside = "request";
        else step(chunk[at++] as number);
      }
      return found;
    },
    end() {
      if (place !== "end")
        throw new SluiceError("invalid_json", "The body is not valid JSON: it ends too early.");
      if (hasRequests) return;
      const message = "Missing required parameter: 'requests'.";
      throw new SluiceError("missing_required_parameter", message, { param: "requests" });
    },
  };
}

function unescaped(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}

function invalidBody(): SluiceError {
  return new SluiceError("invalid_json", "The body is not a JSON object.");
}

function invalidValue(param: string, what: string): SluiceError {
  return new SluiceError("invalid_value", `'${param}' ${what}.`, { param });
}

function tooDeep(index: number): SluiceError {
  return new SluiceError("invalid_json", `'requests.${index}' nests more than ${maxJsonDepth} levels deep.`);
}
