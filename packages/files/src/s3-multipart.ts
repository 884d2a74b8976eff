import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { calling, type S3Place } from "./s3-calls.ts";

/** S3 copies at most 5 GiB in one call. */
const mostCopiedBytes = 5 * 1024 ** 3;
const copiedPartBytes = 1024 ** 3;

/** An object that is written part by part and seen when it is complete. */
export interface Multipart {
  addPart(bytes: Buffer): Promise<void>;
  complete(): Promise<void>;
  /** Gives up; what S3 does not forget now, the bucket's lifecycle rule removes. */
  abort(): Promise<void>;
}

/** Begins an object of many parts; every part but the last has at least 5 MiB. */
export async function beginMultipart({ client, bucket }: S3Place, key: string): Promise<Multipart> {
  const target = { Bucket: bucket, Key: key };
  const { UploadId } = await calling((options) =>
    client.send(new CreateMultipartUploadCommand(target), options),
  );
  const upload = { ...target, UploadId };
  const parts: CompletedPart[] = [];
  return {
    async addPart(bytes) {
      const PartNumber = parts.length + 1;
      const command = new UploadPartCommand({ ...upload, PartNumber, Body: bytes });
      const { ETag } = await calling((options) => client.send(command, options));
      parts.push({ PartNumber, ETag });
    },
    async complete() {
      const command = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } });
      await calling((options) => client.send(command, options));
    },
    async abort() {
      const command = new AbortMultipartUploadCommand(upload);
      await calling((options) => client.send(command, options)).catch(() => undefined);
    },
  };
}

export interface Copy {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  /** Above this, the copy is made in parts. */
  readonly mostBytes?: number;
  readonly partBytes?: number;
}

/** Copies an object inside the bucket; the bytes do not pass through this process. */
export async function copyObject(place: S3Place, copy: Copy): Promise<void> {
  const { bucket, client } = place;
  if (copy.bytes > (copy.mostBytes ?? mostCopiedBytes)) return copyInParts(place, copy);
  const source = { Bucket: bucket, Key: copy.to, CopySource: sourceOf(bucket, copy.from) };
  await calling((options) => client.send(new CopyObjectCommand(source), options));
}

async function copyInParts(place: S3Place, copy: Copy): Promise<void> {
  const { bucket, client } = place;
  const { bytes, partBytes = copiedPartBytes } = copy;
  const target = { Bucket: bucket, Key: copy.to };
  const { UploadId } = await calling((options) =>
    client.send(new CreateMultipartUploadCommand(target), options),
  );
  const parts: CompletedPart[] = [];
  try {
    for (let start = 0; start < bytes; start += partBytes) {
      const PartNumber = parts.length + 1;
      const CopySourceRange = `bytes=${start}-${Math.min(start + partBytes, bytes) - 1}`;
      const CopySource = sourceOf(bucket, copy.from);
      const command = new UploadPartCopyCommand({
        ...target,
        UploadId,
        PartNumber,
        CopySource,
        CopySourceRange,
      });
      const { CopyPartResult } = await calling((options) => client.send(command, options));
      parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
    }
    const MultipartUpload = { Parts: parts };
    const command = new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload });
    await calling((options) => client.send(command, options));
  } catch (error) {
    const command = new AbortMultipartUploadCommand({ ...target, UploadId });
    await calling((options) => client.send(command, options)).catch(() => undefined);
    throw error;
  }
}

function sourceOf(bucket: string, key: string): string {
  return `${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
}
