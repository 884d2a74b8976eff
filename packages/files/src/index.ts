// The file store.
export {};
