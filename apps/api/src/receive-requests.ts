import { createHash } from "node:crypto";
import { createRequestsReader, type MessageBatchRequest, readMessageBatchRequest } from "@sluice/contracts";
import { SluiceError } from "@sluice/domain";
import type { FastifyRequest } from "fastify";

export interface RequestLimits {
  /** Of the whole body. */
  readonly mostBytes: number;
  /** Of one request in it. */
  readonly mostRequestBytes: number;
}

/** The requests of a message batch, read as they come. */
export interface ReceivedRequests {
  /** Those of each chunk of the body. Throws naming the field at fault; the rest of the body is unread then. */
  readonly requests: AsyncIterable<readonly MessageBatchRequest[]>;
  /** Of the body, once all requests have been read. */
  bodySha256(): Buffer;
}

/** Begins to read a body of `POST /v1/messages/batches`. Throws when it is none that can be read. */
export function receiveRequests(
  { headers, raw }: Pick<FastifyRequest, "headers" | "raw">,
  limits: RequestLimits,
): ReceivedRequests {
  const { "content-type": type = "", "content-encoding": encoding = "identity" } = headers;
  if (!/^application\/json(?:\s*;|$)/i.test(type.trim()) || encoding !== "identity")
    throw new SluiceError("unsupported_media_type", "Send application/json, not compressed.");
  if (Number(headers["content-length"] ?? 0) > limits.mostBytes) throw tooLarge(limits.mostBytes);
  const digest = createHash("sha256");
  // A body that is refused in its middle must not take the connection with it: the answer goes that way.
  const chunks = raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  return {
    requests: readRequests(unbroken(chunks), limits, (chunk) => digest.update(chunk)),
    bodySha256: () => digest.digest(),
  };
}

async function* readRequests(
  chunks: AsyncIterable<Buffer>,
  { mostBytes, mostRequestBytes }: RequestLimits,
  onChunk: (chunk: Buffer) => void,
): AsyncGenerator<MessageBatchRequest[]> {
  const reader = createRequestsReader(mostRequestBytes);
  let [bytes, index] = [0, 0];
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw tooLarge(mostBytes);
    onChunk(chunk);
    const found = reader.push(chunk);
    if (found.length > 0) yield found.map((request) => readMessageBatchRequest(request, index++));
  }
  reader.end();
}

async function* unbroken(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    throw new SluiceError("invalid_request", "The body broke off.", { cause: error });
  }
}

function tooLarge(mostBytes: number): SluiceError {
  return new SluiceError("payload_too_large", `The body may be at most ${mostBytes} bytes.`);
}
