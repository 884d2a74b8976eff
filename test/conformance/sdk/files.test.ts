import { createHash } from "node:crypto";
import type OpenAI from "openai";
import { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { promptLines, readResults, toJsonl, untilEnded } from "../../e2e/kit/batches.ts";
import { adminKey } from "../../e2e/kit/cluster.ts";
import { type FileCluster, fileStores, startFileCluster } from "../../e2e/kit/file-cluster.ts";
import { addTenant } from "../../e2e/kit/second-tenant.ts";
import { openaiCalls } from "./kit/calls.ts";
import { openaiClient, openaiVersions, type SdkClient } from "./kit/clients.ts";

const tenBytes = Buffer.from("0123456789");

describe.each(fileStores)("files in %s", (store) => {
  let cluster: FileCluster;
  beforeAll(async () => {
    cluster = await startFileCluster(store);
  });
  afterAll(() => cluster?.stop());

  describe.each(openaiVersions)("the client of version %s", (version) => {
    let client: SdkClient<OpenAI>;
    let openai: OpenAI;
    beforeAll(() => {
      client = openaiClient(version, cluster.url);
      openai = client.sdk;
    });
    // One of its own for each version, by which it lists its files alone.
    const purpose = version === "7.55" ? "fine-tune" : "vision";

    test("uploads, reads, lists, waits for and deletes files", async () => {
      const made: string[] = [];
      for (let index = 0; index < 5; index += 1) {
        const file = await toFile(Buffer.from(`content ${index}`), `${index}.txt`);
        made.push((await openai.files.create({ file, purpose })).id);
      }
      const listed: string[] = [];
      for await (const file of openai.files.list({ purpose, limit: 2, order: "asc" })) listed.push(file.id);
      expect(listed).toEqual(made);
      const [id = ""] = made;
      expect(await (await openai.files.content(id)).text()).toBe("content 0");
      expect((await openai.files.waitForProcessing(id)).status).toBe("processed");
      expect(await openai.files.delete(id)).toEqual({ id, object: "file", deleted: true });
      await expect(openai.files.retrieve(id)).rejects.toMatchObject({ status: 404 });
      await expect(openai.files.content(id)).rejects.toMatchObject({ status: 404 });
      await expect(openai.files.delete(id)).rejects.toMatchObject({ status: 404 });
      const left = await openai.files.list({ purpose, order: "asc" });
      expect(left.data.map((file) => file.id)).toEqual(made.slice(1));
    });

    test("a file's end can be told with it, and of a batch's is thirty days away", async () => {
      const create = async (rest: object) =>
        openai.files.create({ file: await toFile(tenBytes, "a.jsonl"), purpose: "batch", ...rest });
      const day = { anchor: "created_at" as const, seconds: 86_400 };
      const short = await create({ expires_after: day });
      expect((short.expires_at ?? 0) - short.created_at).toBe(86_400);
      const usual = await create({});
      expect((usual.expires_at ?? 0) - usual.created_at).toBe(30 * 86_400);
      expect(await create({ purpose: "user_data" })).not.toHaveProperty("expires_at");
      await expect(create({ expires_after: { ...day, seconds: 60 } })).rejects.toMatchObject({
        status: 400,
        param: "expires_after[seconds]",
      });
      await expect(create({ purpose: "batch_output" })).rejects.toMatchObject({
        status: 400,
        param: "purpose",
      });
      const tooLarge = await toFile(Buffer.alloc(1_000_001), "large.jsonl");
      await expect(openai.files.create({ file: tooLarge, purpose: "batch" })).rejects.toMatchObject({
        status: 413,
        param: "file",
      });
      await expect(openai.files.create({ purpose: "batch", file: await toFile(Buffer.alloc(0), "e") }))
        .rejects //
        .toMatchObject({ status: 400, code: "empty_file" });
    });

    test("a range of a file is a part of it, also across the parts that it was uploaded in", async () => {
      const { api } = cluster;
      const upload = await openai.uploads.create({
        bytes: 10,
        filename: 'odd "na\r\nme".txt',
        mime_type: "text/plain",
        purpose: "user_data" as "assistants",
      });
      const part = async (text: string) =>
        (await openai.uploads.parts.create(upload.id, { data: await toFile(Buffer.from(text), "p") })).id;
      // They come in another order than the file has.
      const [third, first, second] = [await part("789"), await part("0123"), await part("456")];
      const part_ids = [first, second, third];
      const md5 = createHash("md5").update(tenBytes).digest("hex");
      const done = await openai.uploads.complete(upload.id, { part_ids, md5 });
      expect(done).toMatchObject({ status: "completed", file: { bytes: 10, purpose: "user_data" } });
      expect(await openai.uploads.complete(upload.id, { part_ids, md5 })).toEqual(done);
      const path = `/v1/files/${done.file?.id}/content`;
      const whole = await api.get(path);
      expect([whole.status, whole.text]).toEqual([200, "0123456789"]);
      expect(whole.headers.get("accept-ranges")).toBe("bytes");
      expect(whole.headers.get("content-disposition")).toMatch(/^attachment; filename="odd _na__me_\.txt"/);
      const middle = await api.get(path, { range: "bytes=2-7" });
      expect([middle.status, middle.text]).toEqual([206, "234567"]);
      expect(middle.headers.get("content-range")).toBe("bytes 2-7/10");
      expect(middle.headers.get("content-length")).toBe("6");
      const behind = await api.get(path, { range: "bytes=10-" });
      expect([behind.status, behind.body.error.code]).toEqual([416, "range_not_satisfiable"]);
      expect(behind.headers.get("content-range")).toBe("bytes */10");
      const other = await api.get(path, { range: "bytes=2-7", "if-range": '"other"' });
      expect([other.status, other.text]).toEqual([200, "0123456789"]);
      const head = await fetch(`${cluster.url}${path}`, {
        method: "HEAD",
        headers: { authorization: `Bearer ${adminKey}` },
      });
      expect([head.status, head.headers.get("content-length")]).toEqual([200, "10"]);
    });

    test("an upload says what is wrong with its completion, and can be put right", async () => {
      const begin = () =>
        openai.uploads.create({ bytes: 6, filename: "a", mime_type: "text/plain", purpose: "assistants" });
      const upload = await begin();
      expect(upload).toMatchObject({ object: "upload", status: "pending", bytes: 6, file: null });
      expect(upload.expires_at - upload.created_at).toBe(3600);
      const add = async (id: string, text: string) =>
        openai.uploads.parts.create(id, { data: await toFile(Buffer.from(text), "p") });
      const a = await add(upload.id, "abc");
      expect(a).toMatchObject({ object: "upload.part", upload_id: upload.id });
      const complete = (part_ids: string[], md5?: string) =>
        openai.uploads.complete(upload.id, { part_ids, ...(md5 === undefined ? {} : { md5 }) });
      await expect(complete([a.id])).rejects.toMatchObject({ status: 400, code: "bytes_mismatch" });
      await expect(complete([a.id, a.id])).rejects.toMatchObject({ status: 400, param: "part_ids[1]" });
      const b = await add(upload.id, "def");
      await expect(complete([a.id, b.id], "0".repeat(32))).rejects.toMatchObject({
        status: 400,
        code: "checksum_mismatch",
      });
      expect((await complete([b.id, a.id])).status).toBe("completed");
      await expect(add(upload.id, "late")).rejects.toMatchObject({ status: 409, code: "already_ended" });
      const given = await begin();
      expect(await openai.uploads.cancel(given.id)).toMatchObject({ id: given.id, status: "cancelled" });
      expect(await openai.uploads.cancel(given.id)).toMatchObject({ status: "cancelled" });
      await expect(add(given.id, "abc")).rejects.toMatchObject({ status: 409 });
      await expect(add("upload_none", "abc")).rejects.toMatchObject({ status: 404 });
      const begun = (changes: object) =>
        openai.uploads.create({ bytes: 6, filename: "a", mime_type: "x", purpose: "vision", ...changes });
      await expect(begun({ bytes: 8 * 1024 ** 3 + 1 })).rejects.toMatchObject({
        status: 413,
        param: "bytes",
      });
      await expect(begun({ bytes: 1_000_001, purpose: "batch" })).rejects.toMatchObject({ status: 413 });
      await expect(begun({ bytes: 0 })).rejects.toMatchObject({ status: 400, param: "bytes" });
      await expect(begun({ purpose: "x" })).rejects.toMatchObject({ status: 400, param: "purpose" });
    });

    test("a batch of a file that came in parts and was deleted at once is answered in full", async () => {
      const text = Buffer.from(toJsonl(promptLines(20, { model: "auto" })));
      const [head, tail] = [text.subarray(0, 777), text.subarray(777)];
      const upload = await openai.uploads.create({
        bytes: text.length,
        filename: "in.jsonl",
        mime_type: "application/jsonl",
        purpose: "batch",
      });
      const ids: string[] = [];
      for (const data of [head, tail])
        ids.push((await openai.uploads.parts.create(upload.id, { data: await toFile(data, "p") })).id);
      const { file } = await openai.uploads.complete(upload.id, { part_ids: ids });
      const input_file_id = file?.id ?? "";
      const created = await openai.batches.create({
        input_file_id,
        endpoint: "/v1/chat/completions",
        completion_window: "24h",
      });
      await openai.files.delete(input_file_id);
      const batch = await untilEnded(openai, created.id);
      expect(batch).toMatchObject({ status: "completed", request_counts: { total: 20, completed: 20 } });
      expect((await readResults(openai, batch)).output).toHaveLength(20);
      const output = batch.output_file_id ?? "";
      const whole = await cluster.api.get(`/v1/files/${output}/content`);
      const middle = await cluster.api.get(`/v1/files/${output}/content`, { range: "bytes=100-4999" });
      expect([middle.status, middle.text]).toEqual([206, whole.text.slice(100, 5000)]);
      expect(middle.headers.get("content-range")).toBe(`bytes 100-4999/${whole.text.length}`);
      expect(await openai.files.delete(output)).toMatchObject({ deleted: true });
      await expect(openai.files.content(output)).rejects.toMatchObject({ status: 404 });
      await expect(
        openai.batches.create({ input_file_id, endpoint: "/v1/chat/completions", completion_window: "24h" }),
      ).rejects.toMatchObject({ status: 404, param: "input_file_id" });
    });

    test("every call of the table was made", () => {
      expect(client.missing(openaiCalls.files)).toEqual([]);
    });
  });

  test("nothing of a tenant's files can be seen or touched by another", async () => {
    const { openai } = cluster;
    const stranger = await addTenant(cluster, "stranger");
    const file = await openai.files.create({ file: await toFile(tenBytes, "a"), purpose: "user_data" });
    const upload = await openai.uploads.create({
      bytes: 10,
      filename: "a",
      mime_type: "text/plain",
      purpose: "vision",
    });
    const answers = [
      await stranger.get(`/v1/files/${file.id}`),
      await stranger.get(`/v1/files/${file.id}/content`),
      await stranger.post(`/v1/uploads/${upload.id}/cancel`),
      await stranger.post(`/v1/uploads/${upload.id}/complete`, { part_ids: ["part_x"] }),
      await stranger.post(`/v1/uploads/${upload.id}/parts`, "x", {
        "content-type": "multipart/form-data; boundary=b",
      }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    expect((await stranger.get("/v1/files")).body.data).toEqual([]);
    expect((await openai.files.retrieve(file.id)).id).toBe(file.id);
  });
});
