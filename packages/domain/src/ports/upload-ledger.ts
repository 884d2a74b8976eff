import type { TenantId, UploadId } from "../ids.ts";
import type { FileRecord } from "../job.ts";
import type { Upload, UploadPart } from "../upload.ts";

/** Uploads in parts. */
export interface UploadLedger {
  createUpload(upload: Upload): Promise<void>;
  findUpload(tenant: TenantId, id: UploadId): Promise<Upload | undefined>;
  /** Adds a part whose content was claimed; `false` when the upload is not pending at `now` any more. */
  addPart(part: UploadPart, now: number): Promise<boolean>;
  /** All parts that it has. */
  listParts(id: UploadId): Promise<UploadPart[]>;
  /** Makes the file out of these parts, in this order; `false` when the upload is not pending at `now` any more. */
  completeUpload(id: UploadId, file: FileRecord, parts: readonly UploadPart[], now: number): Promise<boolean>;
  /** Gives a pending upload and its parts up; `false` when it is not pending at `now` any more. */
  cancelUpload(id: UploadId, now: number): Promise<boolean>;
}

/** Contents in the file store that files and parts share, and what of them may go. */
export interface ContentLedger {
  /** Keeps a content until `until` at least, used or not. */
  claimContent(key: string, until: number): Promise<void>;
  /** Ends uploads and files whose time is over, and forgets deleted files that no batch has to read; answers how many. */
  purgeFiles(leaderEpoch: number, now: number, limit: number): Promise<number>;
  /**
   * Calls `erase` for contents that nothing uses, each held so that nobody can begin to use it meanwhile, and then
   * forgets them; answers how many it looked at. One whose erasing fails stays for the next call and does not keep the
   * others from going; its error is thrown at the end. Any number of processes may do it at once.
   */
  dropContents(now: number, limit: number, erase: (key: string) => Promise<void>): Promise<number>;
}
