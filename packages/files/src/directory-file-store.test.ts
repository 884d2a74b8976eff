import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { fileStoreConformance } from "../../../test/kit/file-store-conformance.ts";
import { createDirectoryFileStore, openFileStore } from "./index.ts";

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function setup() {
  const folder = await mkdtemp(join(tmpdir(), "sluice-test-files-"));
  folders.push(folder);
  const directory = join(folder, "made", "by", "the-store");
  const store = createDirectoryFileStore({ directory });
  const count = async () => {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).length;
  };
  return { store, directory, count };
}

fileStoreConformance("a directory", setup);

test("lays files out by the first bytes of their digest, readable by the owner only", async () => {
  const { store, directory } = await setup();
  const { key } = await store.put(Buffer.from("abc"));
  const found = await stat(join(directory, key.slice(0, 2), key.slice(2, 4), key));
  expect(found.mode & 0o777).toBe(0o600);
});

test("removes abandoned uploads and leaves running ones and files", async () => {
  const { store, directory, count } = await setup();
  const { key } = await store.put(Buffer.from("kept"));
  await mkdir(join(directory, "uploads"), { recursive: true });
  const now = Date.now();
  await writeFile(join(directory, "uploads", "abandoned"), "x");
  await utimes(join(directory, "uploads", "abandoned"), new Date(now - 10_000), new Date(now - 10_000));
  await writeFile(join(directory, "uploads", "running"), "x");
  expect(await store.removeAbandoned(now - 5_000)).toBe(1);
  expect(await count()).toBe(2);
  expect(await store.read(key)).toEqual(Buffer.from("kept"));
});

test("a store without a directory yet has no abandoned uploads", async () => {
  const { store } = await setup();
  expect(await store.removeAbandoned(Date.now())).toBe(0);
});

test("opens a directory by its URL", async () => {
  const { directory } = await setup();
  const store = openFileStore(pathToFileURL(directory).href);
  const { key } = await store.put(Buffer.from("by URL"));
  expect(await createDirectoryFileStore({ directory }).read(key)).toEqual(Buffer.from("by URL"));
});

test("says what is wrong with a URL", () => {
  expect(() => openFileStore("/srv/files")).toThrow(/file:\/\/\//);
  expect(() => openFileStore("file://server/files")).toThrow(/file:\/\/\//);
  expect(() => openFileStore("s3:///prefix")).toThrow(/s3:\/\/bucket\/prefix/);
  expect(() => openFileStore("s3://name:secret@bucket/prefix")).toThrow(/AWS_ACCESS_KEY_ID/);
});
