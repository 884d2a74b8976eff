import { fileURLToPath } from "node:url";
import { S3Client } from "@aws-sdk/client-s3";
import type { FileStore } from "@sluice/domain";
import { createDirectoryFileStore } from "./directory-file-store.ts";
import { createS3FileStore } from "./s3-file-store.ts";

/** What of S3 the SDK does not read of the environment itself. */
export interface S3Options {
  /** Address of a server that speaks as S3 does; AWS when there is none. */
  readonly endpoint?: string | undefined;
  /** `undefined` leaves it to the SDK (`AWS_REGION`, profile). */
  readonly region?: string | undefined;
}

/**
 * Opens the store that `SLUICE_FILES_URL` names: `file:///directory` or `s3://bucket/prefix`, credentials of the latter
 * as the AWS SDK finds them. Throws a `TypeError` that says what is wrong.
 */
export function openFileStore(url: string, s3: S3Options = {}): FileStore {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === "s3:") return openS3(parsed, s3);
  if (parsed?.protocol !== "file:" || (parsed.hostname !== "" && parsed.hostname !== "localhost"))
    throw new TypeError("SLUICE_FILES_URL must read file:///absolute/directory or s3://bucket/prefix");
  return createDirectoryFileStore({ directory: fileURLToPath(parsed) });
}

function openS3(url: URL, s3: S3Options): FileStore {
  if (url.hostname === "") throw new TypeError("SLUICE_FILES_URL must read s3://bucket/prefix");
  if (url.username !== "" || url.password !== "") {
    throw new TypeError(
      "SLUICE_FILES_URL must hold no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    );
  }
  const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, "");
  const prefix = path === "" ? "" : `${path}/`;
  return createS3FileStore({ client: createClient(s3), bucket: url.hostname, prefix });
}

const connectTimeoutMs = 5_000;
/** Without a byte: streams may last as long as they move, and a slow reader may pause one for a while. */
const silenceTimeoutMs = 300_000;

function createClient({ endpoint, region }: S3Options): S3Client {
  const own = endpoint === undefined ? {} : { endpoint, forcePathStyle: true };
  const regionOfOwn = endpoint === undefined ? undefined : "us-east-1";
  const chosen = region ?? regionOfOwn;
  return new S3Client({
    ...own,
    ...(chosen === undefined ? {} : { region: chosen }),
    // Servers that speak S3 do not all know the SDK's newer checksums; contents are addressed by digest anyway.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: connectTimeoutMs, socketTimeout: silenceTimeoutMs },
  });
}
