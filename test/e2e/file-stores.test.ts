import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { skipUnless } from "../kit/skip.ts";
import { adminKey, type TestCluster } from "./kit/cluster.ts";
import { type FileCluster, fileStores, startFileCluster } from "./kit/file-cluster.ts";

/** The most memory that a role has ever had resident. */
function peakMebibytes({ supervised }: TestCluster, role: string): number {
  const pid = supervised.processes.find(({ name }) => name === role)?.pid;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

describe.each(fileStores)("a cluster with its files in %s", (store) => {
  let cluster: FileCluster;
  beforeAll(async () => {
    cluster = await startFileCluster(store);
  });
  afterAll(() => cluster?.stop());

  test("the API's memory does not grow with the file", async (context) => {
    skipUnless(context, process.platform === "linux", "reads a process's peak memory from /proc");
    const { openai } = cluster;
    const parts = Number(process.env["SLUICE_TEST_FILE_PARTS"] ?? 5);
    const roundTrip = async (count: number, partBytes: number) => {
      const part = Buffer.alloc(partBytes, "x");
      const bytes = count * partBytes;
      const upload = await openai.uploads.create({
        bytes,
        filename: "large",
        mime_type: "x",
        purpose: "vision",
      });
      const hash = createHash("md5");
      const part_ids: string[] = [];
      for (let number = 0; number < count; number += 1) {
        part.writeUInt32BE(number);
        hash.update(part);
        const data = await toFile(part, "part");
        part_ids.push((await openai.uploads.parts.create(upload.id, { data })).id);
      }
      const md5 = hash.digest("hex");
      const { file } = await openai.uploads.complete(upload.id, { part_ids, md5 });
      const back = createHash("md5");
      const { body } = await openai.files.content(file?.id ?? "");
      for await (const chunk of body ?? []) back.update(chunk as Uint8Array);
      expect(back.digest("hex")).toBe(md5);
      return peakMebibytes(cluster, "api");
    };
    const small = await roundTrip(1, 1024 ** 2);
    const large = await roundTrip(parts, 64 * 1024 ** 2);
    console.info(`peak of the API: ${small} MiB with 1 MiB, ${large} MiB with ${parts * 64} MiB (${store})`);
    expect(large - small).toBeLessThan(200);
  });
});

describe("a cluster that loses its store", () => {
  let cluster: FileCluster;
  beforeAll(async () => {
    cluster = await startFileCluster("S3");
  });
  afterAll(() => cluster?.stop());

  test("without S3 the API says so, and takes jobs all the same", async () => {
    await cluster.loseStore();
    const form = new FormData();
    form.append("purpose", "batch");
    form.append("file", new Blob(["x".repeat(200_000)]), "input.jsonl");
    const headers = { authorization: `Bearer ${adminKey}` };
    const refused = await fetch(`${cluster.url}/v1/files`, { method: "POST", headers, body: form });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: "file_store_unavailable" } });
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
    const ready = await cluster.api.get("/readyz");
    expect(ready.status).toBe(200);
    expect(ready.body.warnings).toContainEqual(expect.objectContaining({ cause: "file_store" }));
    const messages = [{ role: "user", content: "Name a river." }];
    const body = { model: "auto", messages };
    const job = await cluster.api.post("/v1/jobs", { endpoint: "/v1/chat/completions", body });
    const ended = await cluster.api.get(`/v1/jobs/${job.body.id}?wait=30`);
    expect(ended.body.status).toBe("succeeded");
  });
});
