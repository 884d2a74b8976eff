// The file store.
export type { DirectoryFileStore, DirectoryFileStoreOptions } from "./directory-file-store.ts";
export { createDirectoryFileStore } from "./directory-file-store.ts";
export { openFileStore } from "./open-file-store.ts";
