import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";

/** An upload written by hand, for what no client library sends. */
export interface RawUpload {
  readonly url: string;
  readonly key: string;
  /** Size of the file, in bytes. */
  readonly fileBytes: number;
  /** `length` says `content-length`, `chunked` does not know it. */
  readonly framing: "length" | "chunked";
  /** Leaves out the end of the multipart body, as a proxy does that gave up. */
  readonly truncated?: boolean;
}

const boundary = "----sluice-test";
const head = [
  `--${boundary}`,
  'content-disposition: form-data; name="purpose"',
  "",
  "batch",
  `--${boundary}`,
  'content-disposition: form-data; name="file"; filename="input.jsonl"',
  "content-type: application/octet-stream",
  "",
  "",
].join("\r\n");
const tail = `\r\n--${boundary}--\r\n`;
const piece = Buffer.alloc(1 << 20, "x");

/** Sends the upload piece by piece, as fast as it is read, and answers what came back. */
export async function rawUpload(upload: RawUpload): Promise<{ status: number; text: string }> {
  const end = upload.truncated === true ? "" : tail;
  const length = head.length + upload.fileBytes + end.length;
  const outgoing = request(`${upload.url}/v1/files`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${upload.key}`,
      "content-type": `multipart/form-data; boundary=${boundary}`,
      ...(upload.framing === "length" ? { "content-length": length } : {}),
    },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve).once("error", reject);
  });
  const sending = send(outgoing, upload.fileBytes, end);
  const response = await answered;
  const body = await text(response);
  await sending;
  return { status: response.statusCode ?? 0, text: body };
}

async function send(outgoing: ReturnType<typeof request>, fileBytes: number, end: string): Promise<void> {
  outgoing.write(head);
  for (let left = fileBytes; left > 0 && !outgoing.destroyed; left -= piece.length) {
    if (!outgoing.write(piece.subarray(0, Math.min(left, piece.length)))) await drained(outgoing);
  }
  outgoing.end(end);
}

/** Settles too when the other side has hung up: then nothing drains any more. */
function drained(outgoing: ReturnType<typeof request>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off("drain", done).off("close", done);
      resolve();
    };
    outgoing.on("drain", done).on("close", done);
  });
}
