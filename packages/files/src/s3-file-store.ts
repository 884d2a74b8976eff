import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  type _Object as S3Object,
} from "@aws-sdk/client-s3";
import type { ByteRange, FileStore } from "@sluice/domain";
import { checkRange, contentPath, isEmptyRange, missingFile } from "./content-key.ts";
import { calling, refusalOf, type S3Place, unavailable } from "./s3-calls.ts";
import { putToS3, type S3Put } from "./s3-put.ts";

export interface S3FileStoreOptions extends S3Place {
  /** Above how many bytes a copy is made in parts, and of how many: S3's limits unless a test says otherwise. */
  readonly copy?: NonNullable<S3Put["copy"]>;
}

const uploads = "uploads/";

/** Keeps each file under its SHA-256 in a bucket of S3, or of what speaks as S3 does. */
export function createS3FileStore(options: S3FileStoreOptions): FileStore {
  const { client, bucket, prefix } = options;
  const place = (key: string) => ({ Bucket: bucket, Key: prefix + contentPath(key) });
  const open = async (key: string, range?: ByteRange) => openObject(options, key, range);
  return {
    put: (content, how = {}) =>
      putToS3({ ...options, content, how, temporaryKey: `${prefix}${uploads}${randomUUID()}` }),
    open,
    read: async (key) => buffer(await open(key)),
    async delete(key) {
      const command = new DeleteObjectCommand(place(key));
      await calling((options) => client.send(command, options));
    },
    removeAbandoned: (before) => removeAbandoned(options, before),
  };
}

async function openObject(place: S3Place, key: string, range?: ByteRange): Promise<Readable> {
  const { start, end } = checkRange(range ?? { start: 0 });
  const Key = place.prefix + contentPath(key);
  // S3 knows no range without a byte; whether the object is there must be asked all the same.
  const nothing = isEmptyRange({ start, ...(end === undefined ? {} : { end }) });
  const last = nothing ? start : (end ?? Number.NaN) - 1;
  const Range = range === undefined ? undefined : `bytes=${start}-${Number.isNaN(last) ? "" : last}`;
  try {
    const { Body } = await place.client.send(new GetObjectCommand({ Bucket: place.bucket, Key, Range }));
    if (!(Body instanceof Readable)) return Readable.from([]);
    if (!nothing) return Body;
    Body.destroy();
    return Readable.from([]);
  } catch (error) {
    switch (refusalOf(error)) {
      case "missing":
        throw missingFile(key, undefined);
      case "range":
        return Readable.from([]);
      case "other":
        throw unavailable(error);
    }
  }
}

async function removeAbandoned(place: S3Place, before: number): Promise<number> {
  const { client, bucket: Bucket, prefix } = place;
  const pages = paginateListObjectsV2({ client }, { Bucket, Prefix: prefix + uploads });
  let removed = 0;
  await calling(async (options) => {
    for await (const { Contents = [] } of pages) {
      for (const { Key } of Contents.filter((object) => isOlder(object, before))) {
        await client.send(new DeleteObjectCommand({ Bucket, Key }), options);
        removed += 1;
      }
    }
  });
  return removed;
}

function isOlder({ LastModified }: S3Object, before: number): boolean {
  return LastModified !== undefined && LastModified.getTime() < before;
}
