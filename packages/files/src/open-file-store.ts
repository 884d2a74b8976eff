import { fileURLToPath } from "node:url";
import { createDirectoryFileStore, type DirectoryFileStore } from "./directory-file-store.ts";

/** Opens the store that `SLUICE_FILES_URL` names: `file:///directory`. Throws a `TypeError` that says what is wrong. */
export function openFileStore(url: string): DirectoryFileStore {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === "s3:") {
    throw new TypeError("SLUICE_FILES_URL: s3:// is not supported yet; use file:///directory");
  }
  if (parsed?.protocol !== "file:" || (parsed.hostname !== "" && parsed.hostname !== "localhost")) {
    throw new TypeError("SLUICE_FILES_URL must read file:///absolute/directory");
  }
  return createDirectoryFileStore({ directory: fileURLToPath(parsed) });
}
