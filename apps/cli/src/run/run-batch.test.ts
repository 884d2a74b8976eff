import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createApiClient } from "../api/api-client.ts";
import { batchJson, type FakeApi, startFakeApi, type TestContext, testContext } from "../fake-api.fixture.ts";
import { createTerminal } from "../progress/terminal.ts";
import { exitCodeOf, invalidLines, runBatch } from "./run-batch.ts";

let context: TestContext;
let api: FakeApi;
beforeEach(() => {
  context = testContext();
});
afterEach(async () => {
  await api.close();
  context.remove();
});

const inputLine = '{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{"model":"auto"}}';
const good = '{"id":"1","custom_id":"a","response":{"status_code":200,"body":{}},"error":null}';
const dead =
  '{"id":"2","custom_id":"b","response":null,"error":{"code":"attempts_exhausted","message":"All attempts failed."}}';

/** Runs a batch whose API answers `ends`, one after the other, when it is looked at. */
async function setup({
  looks,
  output,
  errors,
  upload,
}: {
  looks: unknown[];
  output?: string;
  errors?: string;
  upload?: { status: number; json: unknown };
}) {
  const left = [...looks];
  const last = looks.at(-1);
  api = await startFakeApi({
    "POST /v1/files": upload ?? { json: { id: "file-in" } },
    "POST /v1/batches": { json: batchJson({ status: "validating" }) },
    "GET /v1/batches/batch_1": () => ({ json: left.shift() ?? last }),
    "GET /v1/files/file-out/content": { text: output ?? "" },
    "GET /v1/files/file-err/content": { text: errors ?? "" },
  });
  const file = join(context.folder, "in.jsonl");
  const out = join(context.folder, "out.jsonl");
  writeFileSync(file, `\n${inputLine}\n`);
  const run = () =>
    runBatch({
      api: createApiClient({ url: api.url, key: "k" }),
      file,
      out,
      wishes: { completion_window: "10m" },
      terminal: createTerminal(context.out),
      signal: context.signal,
      lookMs: 1,
    });
  return { run, file, out };
}

const counts = (total: number, completed: number, failed: number) => ({
  request_counts: { total, completed, failed },
});

test("a batch all of whose lines succeeded ends with 0", async () => {
  const ended = batchJson({ output_file_id: "file-out", ...counts(1, 1, 0) });
  const { run, out } = await setup({
    looks: [batchJson({ status: "in_progress", ...counts(1, 0, 0) }), ended],
    output: `${good}\n`,
  });
  const end = await run();
  expect(exitCodeOf(end)).toBe(0);
  expect(readFileSync(out, "utf8")).toBe(`${good}\n`);
  const create = api.received.find(({ method, path }) => method === "POST" && path === "/v1/batches");
  expect(JSON.parse(create?.body ?? "")).toEqual({
    input_file_id: "file-in",
    endpoint: "/v1/embeddings",
    completion_window: "10m",
  });
});

test("a batch with a dead line ends with 1, tells why, and has both lines in its output", async () => {
  const ended = batchJson({ output_file_id: "file-out", error_file_id: "file-err", ...counts(2, 1, 1) });
  const { run, out } = await setup({ looks: [ended], output: `${good}\n`, errors: `${dead}\n` });
  expect(exitCodeOf(await run())).toBe(1);
  expect(readFileSync(out, "utf8")).toBe(`${good}\n${dead}\n`);
  expect(context.written().out).toContain("2 lines: 1 succeeded, 1 failed");
  expect(context.written().out).toContain("1 line, first b: attempts_exhausted: All attempts failed.");
});

test("an expired batch ends with 1 even when no line failed before", async () => {
  const ended = batchJson({ status: "expired", output_file_id: "file-out", ...counts(1, 1, 0) });
  const { run } = await setup({ looks: [ended], output: `${good}\n` });
  expect(exitCodeOf(await run())).toBe(1);
});

test("an invalid file ends with 2 and is told line by line", async () => {
  const errors = {
    object: "list",
    data: [
      { code: "invalid_json", line: 3, message: "This line is not valid JSON.", param: null },
      { code: "empty_file", line: null, message: "The file has no lines.", param: "input_file_id" },
    ],
  };
  const { run, file } = await setup({ looks: [batchJson({ status: "failed", errors })] });
  const end = await run();
  expect(exitCodeOf(end)).toBe(2);
  expect(invalidLines(file, end.batch)).toEqual([
    `${file}:3: This line is not valid JSON. [invalid_json]`,
    `${file}: The file has no lines. (input_file_id) [empty_file]`,
  ]);
});

test("a file that is refused at its upload ends with 2", async () => {
  const json = { error: { message: "The file may be at most 10 bytes.", param: "file" } };
  const { run, file } = await setup({ looks: [batchJson()], upload: { status: 413, json } });
  await expect(run()).rejects.toMatchObject({
    exitCode: 2,
    message: `${file}: The file may be at most 10 bytes.`,
  });
});

test("does not leave an output that lacks lines", async () => {
  const ended = batchJson({ output_file_id: "file-out", ...counts(2, 2, 0) });
  const { run } = await setup({ looks: [ended], output: `${good}\n` });
  await expect(run()).rejects.toThrow("batch batch_1 has 2 lines, but 1 could be read");
});

test("an API that is away for a moment is waited for", async () => {
  const ended = batchJson({ output_file_id: "file-out", ...counts(1, 1, 0) });
  let looks = 0;
  const { run } = await setup({ looks: [ended], output: `${good}\n` });
  await api.close();
  const routes = {
    "POST /v1/files": { json: { id: "file-in" } },
    "POST /v1/batches": { json: batchJson({ status: "validating" }) },
    "GET /v1/batches/batch_1": () => (++looks === 1 ? { status: 503, json: {} } : { json: ended }),
    "GET /v1/files/file-out/content": { text: `${good}\n` },
  };
  api = await startFakeApi(routes);
  expect(exitCodeOf(await run())).toBe(0);
  expect(looks).toBe(2);
});
