import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SluiceError } from "@sluice/domain";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { fileStoreConformance } from "../../../test/kit/file-store-conformance.ts";
import { startS3, type TestS3 } from "../../../test/kit/start-s3.ts";
import { openFileStore } from "./index.ts";
import { copyObject } from "./s3-multipart.ts";

const secret = "a-secret-key-that-nobody-may-see";
let s3: TestS3;
let client: S3Client;
let buckets = 0;

beforeAll(async () => {
  s3 = await startS3();
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIATEST");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", secret);
  client = new S3Client({ endpoint: s3.endpoint, forcePathStyle: true, region: "us-east-1" });
});

afterAll(async () => {
  client?.destroy();
  vi.unstubAllEnvs();
  await s3?.close();
});

async function setup() {
  buckets += 1;
  const bucket = `bucket-${buckets}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const store = openFileStore(`s3://${bucket}/some/prefix/`, { endpoint: s3.endpoint });
  const keys = async () => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map(({ Key }) => Key ?? "");
  };
  return { store, bucket, keys, count: async () => (await keys()).length };
}

fileStoreConformance("a bucket of S3", setup);

test("lays files out under its prefix by the first bytes of their digest", async () => {
  const { store, keys } = await setup();
  const { key } = await store.put(Buffer.from("abc"));
  expect(await keys()).toEqual([`some/prefix/${key.slice(0, 2)}/${key.slice(2, 4)}/${key}`]);
});

test("removes abandoned uploads of its prefix and nothing else", async () => {
  const { store, bucket, keys } = await setup();
  for (const Key of ["some/prefix/uploads/left", "uploads/not-ours"])
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "x" }));
  expect(await store.removeAbandoned(Date.now() - 3_600_000)).toBe(0);
  expect(await store.removeAbandoned(Date.now() + 3_600_000)).toBe(1);
  expect(await keys()).toEqual(["uploads/not-ours"]);
});

test("copies in parts what is too large for one copy", async () => {
  const { bucket } = await setup();
  const bytes = Buffer.alloc(8 * 1024 * 1024, "0123456789");
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: "from", Body: bytes }));
  const place = { client, bucket, prefix: "" };
  const limits = { mostBytes: 5 * 1024 * 1024, partBytes: 5 * 1024 * 1024 };
  const { key } = await openFileStore(`s3://${bucket}`, { endpoint: s3.endpoint }).put(bytes);
  const to = `${key.slice(0, 2)}/${key.slice(2, 4)}/${key}`;
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: to, Body: "to be replaced" }));
  await copyObject(place, { from: "from", to, bytes: bytes.length, ...limits });
  const store = openFileStore(`s3://${bucket}`, { endpoint: s3.endpoint });
  expect((await store.read(key)).equals(bytes)).toBe(true);
});

test("an error of S3 says what happened, and neither holds nor shows a credential", async () => {
  const refusing = createServer((_request, response) => {
    response.writeHead(403, { "content-type": "application/xml" });
    response.end(`<Error><Code>SignatureDoesNotMatch</Code><Message>${secret} AKIATEST</Message></Error>`);
  });
  await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void refusing.close());
  const endpoint = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
  const store = openFileStore("s3://bucket", { endpoint });
  const refused: unknown = await store.put(Buffer.from("x")).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(SluiceError);
  expect(refused).toMatchObject({ code: "file_store_unavailable" });
  expect(String(refused)).toContain("403 SignatureDoesNotMatch");
  expect(inspect(refused, { depth: 9, showHidden: true })).not.toMatch(/AKIATEST|nobody-may-see/);
});

test("a bucket that is not there is no missing file", async () => {
  const store = openFileStore("s3://no-such-bucket", { endpoint: s3.endpoint });
  const key = "0".repeat(64);
  await expect(store.open(key)).rejects.toMatchObject({ code: "file_store_unavailable" });
  await expect(store.put(Buffer.from("x"))).rejects.toThrow(/NoSuchBucket/);
});
