import { type FileDetails, fileLifeSeconds, SluiceError } from "@sluice/domain";

/** What a file may be uploaded for. */
const purposes = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"];
/** OpenAI's: 512 MB in one request, 8 GB in parts of at most 64 MB each. */
const mostFileBytes = 512 * 1024 ** 2;
const mostUploadBytes = 8 * 1024 ** 3;
/** The most bytes of one part of an upload. */
export const mostPartBytes = 64 * 1024 ** 2;

/** What of the configuration files are bound by. */
export interface FileLimits {
  /** Largest file of purpose `batch`. */
  readonly batchFileBytes: number;
  /** How long a file of purpose `batch` is kept that does not say. */
  readonly batchFileLifeMs: number;
}

/** Throws `invalid_value` unless files can be uploaded for this purpose. */
export function checkPurpose(purpose: string): void {
  if (purposes.includes(purpose)) return;
  throw new SluiceError("invalid_value", `'purpose' must be one of: ${purposes.join(", ")}.`, {
    param: "purpose",
  });
}

/** The most bytes of a file in one request; of any file as long as its purpose is not known. */
export function mostBytesOf(purpose: string | undefined, { batchFileBytes }: FileLimits): number {
  if (purpose === undefined) return Math.max(batchFileBytes, mostFileBytes);
  return purpose === "batch" ? batchFileBytes : mostFileBytes;
}

/** Throws `payload_too_large` when an upload would become a file of more bytes than its purpose may have. */
export function checkUploadBytes(bytes: number, purpose: string, { batchFileBytes }: FileLimits): void {
  const most = purpose === "batch" ? batchFileBytes : mostUploadBytes;
  if (bytes > most) throw tooLarge(most, "bytes");
}

/** A file of more bytes than it may have. */
export function tooLarge(mostBytes: number, param: string): SluiceError {
  return new SluiceError("payload_too_large", `The file may be at most ${mostBytes} bytes.`, { param });
}

/** What a caller says of a file's end, as it came: texts of a form or values of JSON. */
export interface ExpiryWish {
  readonly anchor: unknown;
  readonly seconds: unknown;
}

/** How long a file is kept from its creation on; `undefined`: until it is deleted. Throws naming the field at fault. */
export function fileLifeMs(
  wish: ExpiryWish | undefined,
  purpose: string,
  { batchFileLifeMs }: FileLimits,
): number | undefined {
  if (wish === undefined) return purpose === "batch" ? batchFileLifeMs : undefined;
  if (wish.anchor !== "created_at") throw invalid("anchor", "must be created_at");
  const seconds = typeof wish.seconds === "string" ? Number(wish.seconds) : wish.seconds;
  const { least, most } = fileLifeSeconds;
  if (typeof seconds === "number" && Number.isInteger(seconds) && seconds >= least && seconds <= most)
    return seconds * 1000;
  throw invalid("seconds", `must be a whole number from ${least} to ${most}`);
}

function invalid(field: string, what: string): SluiceError {
  const param = `expires_after[${field}]`;
  return new SluiceError("invalid_value", `'${param}' ${what}.`, { param });
}

/** Whether a file's time is over. */
export function hasExpired({ expiresAt }: Pick<FileDetails, "expiresAt">, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

/** A file's name as it is kept: text that every store can hold, at most 255 characters. */
export function keptFilename(given: string): string {
  return given.replaceAll("\0", "").slice(0, 255).toWellFormed() || "file";
}
