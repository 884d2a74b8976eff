import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { FileTooLarge, type PutOptions, type StoredFile } from "@sluice/domain";
import { contentKey, contentPath } from "./content-key.ts";
import { calling, type S3Place } from "./s3-calls.ts";
import { beginMultipart, copyObject, type Multipart } from "./s3-multipart.ts";

/** The least that S3 takes as a part: one part is held in memory for each stream that is put. */
const partBytes = 5 * 1024 * 1024;

export interface S3Put extends S3Place {
  readonly content: Readable | Buffer;
  readonly how: PutOptions;
  /** A key that no other upload has. */
  readonly temporaryKey: string;
  readonly copy?: { readonly mostBytes: number; readonly partBytes: number };
}

/** Bytes on their way: those of the part that is being filled, and the parts that are with S3 already. */
interface Filling {
  readonly part: Buffer;
  filled: number;
  bytes: number;
  multipart: Multipart | undefined;
}

/**
 * Puts a content under its digest, which is known when its last byte has come. One that fits into a part is put at
 * once; a longer one is gathered under a temporary key and then copied by S3 to its own.
 */
export async function putToS3(put: S3Put): Promise<StoredFile> {
  if (Buffer.isBuffer(put.content)) return putBuffer(put, put.content);
  const hash = createHash("sha256");
  const filling: Filling = {
    part: Buffer.allocUnsafeSlow(partBytes),
    filled: 0,
    bytes: 0,
    multipart: undefined,
  };
  try {
    for await (const chunk of put.content) {
      const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
      if (filling.bytes + bytes.length > most(put)) throw new FileTooLarge(most(put));
      hash.update(bytes);
      await fill(put, filling, bytes);
    }
    return await finish(put, filling, hash.digest("hex"));
  } catch (error) {
    await filling.multipart?.abort();
    throw error;
  }
}

function most({ how }: S3Put): number {
  return how.maxBytes ?? Number.POSITIVE_INFINITY;
}

async function putBuffer(put: S3Put, bytes: Buffer): Promise<StoredFile> {
  if (bytes.length > most(put)) throw new FileTooLarge(most(put));
  return putWhole(put, bytes, createHash("sha256").update(bytes).digest("hex"));
}

async function putWhole(put: S3Put, bytes: Buffer, sha256: string): Promise<StoredFile> {
  const key = await claimed(put, sha256);
  const Key = put.prefix + contentPath(key);
  await calling((options) =>
    put.client.send(new PutObjectCommand({ Bucket: put.bucket, Key, Body: bytes }), options),
  );
  return { key, bytes: bytes.length, sha256 };
}

async function claimed({ how }: S3Put, sha256: string): Promise<string> {
  const key = contentKey(sha256, { claimed: how.claim !== undefined });
  await how.claim?.(key);
  return key;
}

/** A full part is sent when more comes, so that what fits into one never becomes a multipart upload. */
async function fill(put: S3Put, filling: Filling, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    if (filling.filled === filling.part.length) await sendPart(put, filling);
    const copied = bytes.copy(filling.part, filling.filled, at);
    filling.filled += copied;
    filling.bytes += copied;
    at += copied;
  }
}

async function sendPart(put: S3Put, filling: Filling): Promise<void> {
  filling.multipart ??= await beginMultipart(put, put.temporaryKey);
  await filling.multipart.addPart(filling.part.subarray(0, filling.filled));
  filling.filled = 0;
}

async function finish(put: S3Put, filling: Filling, sha256: string): Promise<StoredFile> {
  if (filling.multipart === undefined) return putWhole(put, filling.part.subarray(0, filling.filled), sha256);
  await sendPart(put, filling);
  await filling.multipart.complete();
  filling.multipart = undefined;
  try {
    const key = await claimed(put, sha256);
    const to = put.prefix + contentPath(key);
    await copyObject(put, { from: put.temporaryKey, to, bytes: filling.bytes, ...put.copy });
    return { key, bytes: filling.bytes, sha256 };
  } finally {
    const command = new DeleteObjectCommand({ Bucket: put.bucket, Key: put.temporaryKey });
    // One that stays is removed with the abandoned ones.
    await calling((options) => put.client.send(command, options)).catch(() => undefined);
  }
}
