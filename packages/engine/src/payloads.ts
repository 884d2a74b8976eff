import { type FileStore, inlinePayloadBytes, type Payload } from "@sluice/domain";

/** Bytes as they go into the ledger: large ones go to the file store first. */
export async function payloadOf(bytes: Buffer, files: Pick<FileStore, "put">): Promise<Payload> {
  if (bytes.length <= inlinePayloadBytes) return { kind: "inline", bytes };
  const stored = await files.put(bytes);
  return { kind: "stored", key: stored.key, size: stored.bytes };
}

/** The bytes of a payload, wherever they are. */
export async function bytesOf(payload: Payload, files: Pick<FileStore, "read">): Promise<Buffer> {
  return payload.kind === "inline" ? payload.bytes : files.read(payload.key);
}
