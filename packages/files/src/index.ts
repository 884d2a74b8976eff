// The file store.
export type { DirectoryFileStoreOptions } from "./directory-file-store.ts";
export { createDirectoryFileStore } from "./directory-file-store.ts";
export type { S3Options } from "./open-file-store.ts";
export { openFileStore } from "./open-file-store.ts";
