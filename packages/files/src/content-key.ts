import { type ByteRange, FileMissing } from "@sluice/domain";

/** The key of a content by its SHA-256 in hexadecimal; claimed contents are apart from the others. */
export function contentKey(sha256: string, isClaimed: { readonly claimed: boolean }): string {
  return isClaimed.claimed ? `c-${sha256}` : sha256;
}

/**
 * Where a content lies, by the first bytes of its digest: `ab/cd/abcd…`. Keys come from the ledger, but one that is
 * none must never become a path: throws `FileMissing`.
 */
export function contentPath(key: string): string {
  const digest = /^(?:c-)?([0-9a-f]{64})$/.exec(key)?.[1];
  if (digest === undefined) throw new FileMissing("this is not the key of a file");
  return `${digest.slice(0, 2)}/${digest.slice(2, 4)}/${key}`;
}

/** Throws a `RangeError` unless the bounds are whole bytes from 0. */
export function checkRange(range: ByteRange): ByteRange {
  for (const bound of [range.start, range.end ?? 0]) {
    if (!Number.isSafeInteger(bound) || bound < 0)
      throw new RangeError("a range is counted in whole bytes from 0");
  }
  return range;
}

/** Whether a range holds nothing by its own bounds. */
export function isEmptyRange({ start, end }: ByteRange): boolean {
  return end !== undefined && end <= start;
}

/** The error of a key that the store does not have. */
export function missingFile(key: string, cause: unknown): FileMissing {
  return new FileMissing(`there is no file ${key.slice(0, 12)}…`, { cause });
}
