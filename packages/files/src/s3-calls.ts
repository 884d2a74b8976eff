import { NoSuchKey, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { SluiceError } from "@sluice/domain";

/** Where the store's objects lie. */
export interface S3Place {
  readonly client: S3Client;
  readonly bucket: string;
  /** Put before every key; empty, or ends in a slash. */
  readonly prefix: string;
}

/** What S3 said when it said no. */
export type S3Refusal = "missing" | "range" | "other";

/** Tells the answers that mean something from all others. */
export function refusalOf(error: unknown): S3Refusal {
  if (error instanceof NoSuchKey) return "missing";
  if (!(error instanceof S3ServiceException)) return "other";
  if (error.$metadata.httpStatusCode === 404 && error.name !== "NoSuchBucket") return "missing";
  return error.$metadata.httpStatusCode === 416 ? "range" : "other";
}

/**
 * An error of the SDK as one that may be logged and shown. The original carries the request with its credentials'
 * name and the answer's text, so it is no cause of the new one.
 */
export function unavailable(error: unknown): SluiceError {
  return new SluiceError("file_store_unavailable", `The file store cannot be used now: S3 ${nameOf(error)}.`);
}

function nameOf(error: unknown): string {
  if (error instanceof S3ServiceException) {
    const status = error.$metadata.httpStatusCode;
    return status === undefined ? error.name : `answered ${status} ${error.name}`;
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code === "string") return `failed with ${code}`;
  return error instanceof Error ? `failed with ${error.name}` : "failed";
}

/** No call lasts longer, its repetitions included; a copy of 5 GiB takes S3 a minute. */
const callTimeoutMs = 300_000;

/** Runs a call of the SDK until it answers or its time is over; its error becomes {@link unavailable}. */
export async function calling<T>(act: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
  try {
    return await act({ abortSignal: AbortSignal.timeout(callTimeoutMs) });
  } catch (error) {
    throw unavailable(error);
  }
}
