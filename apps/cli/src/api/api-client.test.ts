import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type FakeApi, startFakeApi, testContext } from "../fake-api.fixture.ts";
import { createApiClient } from "./api-client.ts";
import { ApiError, UnreachableError } from "./api-error.ts";

let api: FakeApi;
afterEach(() => api.close());

const answering = async (status: number, answer: { json?: unknown; text?: string }) => {
  api = await startFakeApi({ "GET /v1/batches/batch_1": { status, ...answer } });
  return createApiClient({ url: `${api.url}/`, key: "key-of-16-characters" });
};

test("sends the key and reads a batch", async () => {
  const client = await answering(200, { json: { id: "batch_1" } });
  expect(await client.readBatch("batch_1")).toEqual({ id: "batch_1" });
  expect(api.received[0]?.headers.authorization).toBe("Bearer key-of-16-characters");
});

test.each([
  [
    400,
    { error: { message: "Missing required parameter: 'model'.", param: "body.model", code: "x" } },
    "Missing required parameter: 'model'. (body.model)",
  ],
  [404, { error: { message: "No such batch: 'batch_1'.", param: "id" } }, "No such batch: 'batch_1'. (id)"],
  [409, { error: { message: "'sla' must be one of: a.", param: "sla" } }, "'sla' must be one of: a."],
  [
    401,
    { error: { message: "The API key is not valid." } },
    "The API key is not valid. Set SLUICE_API_KEY to a key of this cluster.",
  ],
])("an error of status %i is one sentence with the field at fault", async (status, json, sentence) => {
  const client = await answering(status, { json });
  const error = await client.readBatch("batch_1").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ message: sentence, status, exitCode: 1 });
});

test("an answer that is not ours is told by its status", async () => {
  const client = await answering(502, { text: "<html>Bad Gateway</html>" });
  await expect(client.readBatch("batch_1")).rejects.toThrow("The API answered 502.");
});

test("an API that is not there is told apart from one that refuses", async () => {
  const client = await answering(200, {});
  await api.close();
  const error = await client.readBatch("batch_1").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UnreachableError);
  expect((error as Error).message).toContain("nothing listens there");
});

test("uploads a file's bytes under its name, for batches", async () => {
  api = await startFakeApi({ "POST /v1/files": { json: { id: "file-1" } } });
  const { folder, remove } = testContext();
  const path = join(folder, "räquests.jsonl");
  const line = `${JSON.stringify({ custom_id: "ä" })}\n`;
  writeFileSync(path, line.repeat(10_000));
  expect(await createApiClient({ url: api.url, key: "k" }).uploadBatchFile(path)).toEqual({ id: "file-1" });
  const { body = "", headers } = api.received[0] ?? {};
  expect(headers?.["content-type"]).toContain("multipart/form-data");
  expect(body).toContain('name="purpose"\r\n\r\nbatch\r\n');
  expect(body).toContain('filename="räquests.jsonl"');
  expect(body).toContain(line.repeat(10_000));
  remove();
});

test("a refused upload is an ApiError too", async () => {
  api = await startFakeApi({
    "POST /v1/files": { status: 413, json: { error: { message: "too large", param: "file" } } },
  });
  const { folder, remove } = testContext();
  writeFileSync(join(folder, "a.jsonl"), "{}\n");
  await expect(
    createApiClient({ url: api.url, key: "k" }).uploadBatchFile(join(folder, "a.jsonl")),
  ).rejects.toMatchObject({ status: 413 });
  remove();
});
