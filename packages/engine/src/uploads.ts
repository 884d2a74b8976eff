import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import {
  type Clock,
  type ContentLedger,
  type FileLedger,
  type FilePiece,
  type FileRecord,
  type FileStore,
  FileTooLarge,
  type IdSource,
  idFromUuid,
  SluiceError,
  type StoredFile,
  type Upload,
  type UploadLedger,
  type UploadPart,
} from "@sluice/domain";
import { mostPartBytes, tooLarge } from "./file-rules.ts";
import { openPieces } from "./open-content.ts";

export interface KeepContentPorts {
  readonly ledger: Pick<ContentLedger, "claimContent">;
  readonly files: Pick<FileStore, "put">;
  readonly clock: Clock;
}

/** Far longer than a content takes from its last byte to the commit of what uses it. */
const claimMs = 3_600_000;

/**
 * Puts a content that a file or part is about to use. It is claimed in the ledger before it can be seen in the store,
 * so that one which nothing comes to use is found and removed. Throws `FileTooLarge`.
 */
export function keepContent(
  { ledger, files, clock }: KeepContentPorts,
  content: Readable,
  maxBytes: number,
): Promise<StoredFile> {
  const claim = (key: string): Promise<void> => ledger.claimContent(key, clock.now() + claimMs);
  return files.put(content, { maxBytes, claim });
}

/** An upload that is not completed is over after an hour. */
export const uploadLifeMs = 3_600_000;

/** With retries of parts; more cannot be needed. */
const mostParts = 10_000;

export interface AddPartPorts extends KeepContentPorts {
  readonly ledger: KeepContentPorts["ledger"] & Pick<UploadLedger, "addPart" | "listParts">;
  readonly ids: IdSource;
}

/** Throws unless the upload can take parts: it is pending, and has not taken twice its bytes already. */
export async function checkTakesParts(
  { ledger, clock }: Pick<AddPartPorts, "ledger" | "clock">,
  upload: Upload,
): Promise<void> {
  requirePending(upload, clock.now());
  const parts = await ledger.listParts(upload.id);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  if (parts.length < mostParts && bytes < 2 * upload.bytes) return;
  throw new SluiceError("invalid_request", "The upload has more parts than it can need.", { param: "data" });
}

/** Keeps one part of an upload. Throws naming what is at fault. */
export async function addPart(ports: AddPartPorts, upload: Upload, content: Readable): Promise<UploadPart> {
  const most = Math.min(mostPartBytes, upload.bytes);
  const stored = await keepContent(ports, content, most).catch((error: unknown) => {
    throw error instanceof FileTooLarge ? tooLarge(most, "data") : error;
  });
  if (stored.bytes === 0) throw new SluiceError("empty_file", "The part is empty.", { param: "data" });
  const part: UploadPart = {
    id: idFromUuid("uploadPart", ports.ids.uuid()),
    uploadId: upload.id,
    bytes: stored.bytes,
    key: stored.key,
    createdAt: ports.clock.now(),
  };
  if (await ports.ledger.addPart(part, ports.clock.now())) return part;
  throw overError("ended");
}

export interface CompleteUploadPorts {
  readonly ledger: Pick<UploadLedger, "listParts" | "completeUpload"> & Pick<FileLedger, "findFile">;
  readonly files: Pick<FileStore, "open">;
  readonly ids: IdSource;
  readonly clock: Clock;
}

export interface CompleteUpload {
  readonly upload: Upload;
  readonly partIds: readonly string[];
  /** Of the whole file, in hexadecimal or base64. */
  readonly md5: string | undefined;
}

/**
 * Makes a file of an upload's parts, in the order given; they stay where they are. The same call again answers the same
 * file, `undefined` when that has been deleted since. Throws naming what is at fault.
 */
export async function completeUpload(
  ports: CompleteUploadPorts,
  { upload, partIds, md5 }: CompleteUpload,
): Promise<FileRecord | undefined> {
  if (upload.status === "completed" && upload.fileId !== undefined && isSame(upload.partIds, partIds))
    return ports.ledger.findFile(upload.tenantId, upload.fileId);
  requirePending(upload, ports.clock.now());
  const parts = chosenParts(await ports.ledger.listParts(upload.id), partIds);
  const pieces = parts.map(({ key, bytes }) => ({ key, bytes }));
  checkBytes(upload, pieces);
  if (md5 !== undefined) await checkMd5(ports, pieces, md5);
  const file = fileOf(ports, upload, pieces);
  if (await ports.ledger.completeUpload(upload.id, file, parts, ports.clock.now())) return file;
  throw overError("ended");
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}

function chosenParts(parts: readonly UploadPart[], partIds: readonly string[]): UploadPart[] {
  const byId = new Map<string, UploadPart>(parts.map((part) => [part.id, part]));
  return partIds.map((id, index) => {
    const part = byId.get(id);
    byId.delete(id);
    if (part !== undefined) return part;
    const message = `'part_ids[${index}]' names no part of this upload, or one that stands in the list before.`;
    throw new SluiceError("invalid_value", message, { param: `part_ids[${index}]` });
  });
}

function checkBytes(upload: Upload, pieces: readonly FilePiece[]): void {
  const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  if (bytes === upload.bytes) return;
  const message = `The parts have ${bytes} bytes together, the upload was to have ${upload.bytes}.`;
  throw new SluiceError("bytes_mismatch", message, { param: "part_ids" });
}

async function checkMd5(
  { files }: CompleteUploadPorts,
  pieces: readonly FilePiece[],
  given: string,
): Promise<void> {
  const hash = createHash("md5");
  for await (const chunk of openPieces(files, pieces)) hash.update(chunk as Buffer);
  const digest = hash.digest();
  if (given.toLowerCase() === digest.toString("hex") || given === digest.toString("base64")) return;
  throw new SluiceError("checksum_mismatch", "The parts in this order do not have the given MD5.", {
    param: "md5",
  });
}

function fileOf(
  { ids, clock }: CompleteUploadPorts,
  upload: Upload,
  pieces: readonly FilePiece[],
): FileRecord {
  const now = clock.now();
  const [first, ...rest] = pieces;
  const isOne = first !== undefined && rest.length === 0;
  return {
    id: idFromUuid("file", ids.uuid()),
    tenantId: upload.tenantId,
    filename: upload.filename,
    purpose: upload.purpose,
    bytes: upload.bytes,
    createdAt: now,
    expiresAt: upload.fileLifeMs === undefined ? undefined : now + upload.fileLifeMs,
    content: isOne ? { kind: "stored", key: first.key } : { kind: "pieces", pieces },
  };
}

/** An upload as it stands at `now`, also when nobody has noted yet that its time is over. */
export function uploadAt(upload: Upload, now: number): Upload {
  const isOver = upload.status === "pending" && upload.expiresAt <= now;
  return isOver ? { ...upload, status: "expired" } : upload;
}

/** Throws `already_ended` unless the upload can still be changed. */
function requirePending(upload: Upload, now: number): void {
  const { status } = uploadAt(upload, now);
  if (status !== "pending") throw overError(status);
}

/** Gives an upload up; one that was cancelled before stays so. Throws `already_ended` for one that ended otherwise. */
export async function cancelUpload(
  { ledger, clock }: { readonly ledger: Pick<UploadLedger, "cancelUpload">; readonly clock: Clock },
  upload: Upload,
): Promise<Upload> {
  if (upload.status === "cancelled") return upload;
  requirePending(upload, clock.now());
  if (await ledger.cancelUpload(upload.id, clock.now())) return { ...upload, status: "cancelled" };
  throw overError("ended");
}

function overError(status: string): SluiceError {
  return new SluiceError("already_ended", `The upload is ${status}.`);
}
