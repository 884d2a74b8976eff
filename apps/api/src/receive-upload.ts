import type { Multipart } from "@fastify/multipart";
import {
  type FileRecord,
  FileTooLarge,
  idFromUuid,
  SluiceError,
  type StoredFile,
  type TenantId,
} from "@sluice/domain";
import type { FastifyRequest } from "fastify";
import type { ApiPorts } from "./api-ports.ts";
import { readAway } from "./read-away.ts";

const purposes = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"];
/** OpenAI keeps batch files for 30 days unless told otherwise. */
const batchFileLifeMs = 30 * 24 * 3_600_000;
const shortestLifeSeconds = 3_600;
const longestLifeSeconds = 2_592_000;

interface Received {
  readonly fields: Map<string, string>;
  stored: StoredFile | undefined;
  filename: string;
}

/** Reads an upload, its parts in any order; the bytes stream to the store. Throws naming the field at fault. */
export async function receiveUpload(
  ports: ApiPorts,
  request: FastifyRequest,
  tenantId: TenantId,
): Promise<FileRecord> {
  if (!request.isMultipart())
    throw new SluiceError("unsupported_media_type", "The request must be multipart/form-data.");
  const received: Received = { fields: new Map(), stored: undefined, filename: "file" };
  try {
    for await (const part of partsOf(request)) await receivePart(ports, part, received);
  } catch (error) {
    await readAway(request.raw);
    throw error;
  }
  const purpose = received.fields.get("purpose");
  if (purpose === undefined) throw missing("purpose");
  if (!purposes.includes(purpose)) {
    throw new SluiceError("invalid_value", `'purpose' must be one of: ${purposes.join(", ")}.`, {
      param: "purpose",
    });
  }
  if (received.stored === undefined) throw missing("file");
  if (received.stored.bytes === 0)
    throw new SluiceError("empty_file", "The file is empty.", { param: "file" });
  const now = ports.clock.now();
  return {
    id: idFromUuid("file", ports.ids.uuid()),
    tenantId,
    filename: received.filename,
    purpose,
    bytes: received.stored.bytes,
    createdAt: now,
    expiresAt: expiryOf(received.fields, purpose, now),
    content: { kind: "stored", key: received.stored.key },
  };
}

async function* partsOf(request: FastifyRequest): AsyncGenerator<Multipart> {
  try {
    yield* request.parts();
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw brokenMultipart(error);
  }
}

function brokenMultipart(cause: unknown): SluiceError {
  return new SluiceError("invalid_multipart", "The multipart body is not complete or not valid.", { cause });
}

async function receivePart(ports: ApiPorts, part: Multipart, received: Received): Promise<void> {
  if (part.type === "field") {
    received.fields.set(part.fieldname, String(part.value));
    return;
  }
  if (part.fieldname !== "file" || received.stored !== undefined) {
    part.file.resume();
    throw new SluiceError("invalid_multipart", "There must be one file, in the part 'file'.", {
      param: "file",
    });
  }
  received.filename = part.filename.replaceAll("\0", "").slice(0, 255) || "file";
  const most = ports.config().limits.batchFileBytes;
  try {
    received.stored = await ports.files.put(part.file, { maxBytes: most });
  } catch (error) {
    if (error === part.file.errored) throw brokenMultipart(error);
    if (!(error instanceof FileTooLarge)) throw error;
    throw new SluiceError("payload_too_large", `The file may be at most ${most} bytes.`, { param: "file" });
  }
}

function expiryOf(fields: ReadonlyMap<string, string>, purpose: string, now: number): number | undefined {
  const text = fields.get("expires_after[seconds]");
  if (text === undefined) return purpose === "batch" ? now + batchFileLifeMs : undefined;
  const anchor = fields.get("expires_after[anchor]");
  if (anchor !== "created_at") {
    throw new SluiceError("invalid_value", "'expires_after[anchor]' must be created_at.", {
      param: "expires_after[anchor]",
    });
  }
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= shortestLifeSeconds && seconds <= longestLifeSeconds)
    return now + seconds * 1000;
  throw new SluiceError(
    "invalid_value",
    `'expires_after[seconds]' must be from ${shortestLifeSeconds} to ${longestLifeSeconds}.`,
    {
      param: "expires_after[seconds]",
    },
  );
}

function missing(param: string): SluiceError {
  return new SluiceError("missing_required_parameter", `Missing required parameter: '${param}'.`, { param });
}
