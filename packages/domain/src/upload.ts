import type { FileId, TenantId, UploadId, UploadPartId } from "./ids.ts";

/** Where an upload stands; all but `pending` are final. */
export type UploadStatus = "pending" | "completed" | "cancelled" | "expired";

/** A file on its way, part by part. */
export interface Upload {
  readonly id: UploadId;
  readonly tenantId: TenantId;
  readonly filename: string;
  readonly purpose: string;
  readonly mimeType: string;
  /** What all its parts together must have. */
  readonly bytes: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** How long the file is kept, from its creation; `undefined`: until it is deleted. */
  readonly fileLifeMs: number | undefined;
  readonly status: UploadStatus;
  /** Of a completed one. */
  readonly fileId: FileId | undefined;
  /** The parts that a completed one was made of, in order. */
  readonly partIds: readonly UploadPartId[];
}

/** One piece of an upload. */
export interface UploadPart {
  readonly id: UploadPartId;
  readonly uploadId: UploadId;
  readonly bytes: number;
  /** Of its content in the file store. */
  readonly key: string;
  readonly createdAt: number;
}
