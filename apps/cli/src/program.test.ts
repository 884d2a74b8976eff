import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import {
  batchJson,
  type FakeApi,
  jobJson,
  startFakeApi,
  type TestContext,
  testContext,
} from "./fake-api.fixture.ts";
import { runProgram } from "./program.ts";

let api: FakeApi | undefined;
let context: TestContext;
afterEach(async () => {
  await api?.close();
  api = undefined;
  context.remove();
});

type Routes = Parameters<typeof startFakeApi>[0];

/** Runs one command against a fake API. */
async function sluice(args: string[], routes: Routes = {}) {
  api = await startFakeApi(routes);
  context = testContext({ SLUICE_URL: api.url, SLUICE_API_KEY: "key-of-16-characters" });
  const code = await runProgram(context, args);
  return { code, ...context.written(), received: api.received };
}

test.each([
  [["nope"]],
  [["status"]],
  [["submit"]],
  [["run", "x.jsonl"]],
  [["jobs", "--bogus"]],
  [["status", "123"]],
  [["submit", "hi", "--priority", "12"]],
  [["submit", "hi", "--max-spend", "1"]],
  [["submit", "hi.jsonl", "--max-spend", "none"]],
  [["submit", "hi.jsonl", "--stop-on-error-rate", "20"]],
  [["serve", "cook"]],
  [["route"]],
  [["explain", "batch_1"]],
])("%j is asked for in a wrong way: exit code 2 and one explanation", async (args) => {
  const { code, err, out } = await sluice(args);
  expect(code).toBe(2);
  expect(err).not.toBe("");
  expect(out).toBe("");
});

test.each([
  "serve",
  "run",
  "doctor",
  "submit",
  "retry",
  "cancel",
  "status",
  "watch",
  "results",
  "jobs",
  "check",
  "route",
  "explain",
])("%s --help shows an example", async (command) => {
  const { code, out } = await sluice([command, "--help"]);
  expect(code).toBe(0);
  expect(out).toContain("Examples:");
  expect(out).toMatch(command === "run" ? /npm start -- run/ : new RegExp(`sluice ${command}`));
});

test("submits a prompt as a chat completion with its tags and prints the id", async () => {
  const { code, out, received } = await sluice(
    [
      "submit",
      "--model",
      "small",
      "Name three rivers.",
      "--max-tokens",
      "9",
      "--priority",
      "3",
      "--deadline",
      "5m",
      "--metadata",
      "a=b=c",
    ],
    { "POST /v1/jobs": { status: 202, json: jobJson({ status: "queued" }) } },
  );
  expect([code, out]).toEqual([0, "job_1\n"]);
  expect(JSON.parse(received[0]?.body ?? "")).toEqual({
    endpoint: "/v1/chat/completions",
    body: { model: "small", messages: [{ role: "user", content: "Name three rivers." }], max_tokens: 9 },
    deadline: "5m",
    priority: 3,
    metadata: { a: "b=c" },
  });
});

test("submits a job's file byte by byte", async () => {
  api = await startFakeApi({ "POST /v1/jobs": { status: 202, json: jobJson() } });
  context = testContext({ SLUICE_URL: api.url, SLUICE_API_KEY: "k" });
  const text = '{"endpoint":"/v1/x","body":{"n":12345678901234567890}}';
  writeFileSync(join(context.folder, "job.json"), text);
  expect(await runProgram(context, ["submit", "--file", "job.json"])).toBe(0);
  expect(api.received[0]?.body).toBe(text);
});

test("submits jobs by the line and tells which were refused; 1 when any was", async () => {
  const answers = '{"index":0,"id":"job_1"}\n{"index":2,"error":{"message":"No.","code":"invalid_json"}}\n';
  api = await startFakeApi({ "POST /v1/jobs/bulk": { text: answers } });
  context = testContext({ SLUICE_URL: api.url, SLUICE_API_KEY: "k" });
  writeFileSync(join(context.folder, "jobs.ndjson"), "{}\n\n{\n");
  const args = ["submit", "--lines", "jobs.ndjson", "--sla", "batch", "--idempotency-key", "tonight"];
  expect(await runProgram(context, args)).toBe(1);
  expect(context.written()).toEqual({
    out: "job_1\n",
    err: "line 3: No. [invalid_json]\n1 job accepted, 1 line refused\n",
  });
  expect(api.received[0]).toMatchObject({
    body: "{}\n\n{\n",
    headers: {
      "content-type": "application/x-ndjson",
      "x-sluice-sla": "batch",
      "idempotency-key": "tonight",
    },
  });
  expect(await runProgram(context, ["submit", "--lines", "jobs.ndjson", "--json"])).toBe(1);
  expect(context.written().out).toBe(`job_1\n${answers}`);
  expect(await runProgram(context, ["submit", "--lines", "nowhere.ndjson"])).toBe(2);
  expect(await runProgram(context, ["submit", "--lines", "a", "--file", "b"])).toBe(2);
});

test("lists jobs by metadata and in either order", async () => {
  const { code, received } = await sluice(["jobs", "--metadata", "team=x y", "--order", "asc"], {
    "GET /v1/jobs": { json: { data: [], has_more: false, last_id: null } },
  });
  expect(code).toBe(0);
  expect(received[0]?.path).toBe("/v1/jobs?limit=20&order=asc&metadata.team=x+y");
});

test("submits a file that ends in .jsonl as a batch", async () => {
  api = await startFakeApi({
    "POST /v1/files": { json: { id: "file-1" } },
    "POST /v1/batches": { json: batchJson({ status: "validating" }) },
  });
  context = testContext({ SLUICE_URL: api.url, SLUICE_API_KEY: "k" });
  writeFileSync(join(context.folder, "b.jsonl"), '{"url":"/v1/responses"}\n');
  expect(await runProgram(context, ["submit", "b.jsonl", "--deadline", "1h", "--sla", "batch"])).toBe(0);
  expect(JSON.parse(api.received[1]?.body ?? "")).toEqual({
    input_file_id: "file-1",
    endpoint: "/v1/responses",
    completion_window: "1h",
    sla: "batch",
  });
  expect(context.written().out).toBe("batch_1\n");
});

test("submits a batch with what it may cost and how many of its lines may fail", async () => {
  api = await startFakeApi({
    "POST /v1/files": { json: { id: "file-1" } },
    "POST /v1/batches": { json: batchJson({ status: "validating" }) },
  });
  context = testContext({ SLUICE_URL: api.url, SLUICE_API_KEY: "k" });
  writeFileSync(join(context.folder, "b.jsonl"), '{"url":"/v1/responses"}\n');
  const args = ["submit", "b.jsonl", "--max-spend", "2.5", "--stop-on-error-rate", "0.2"];
  expect(await runProgram(context, args)).toBe(0);
  expect(JSON.parse(api.received[1]?.body ?? "")).toMatchObject({
    max_spend_usd: 2.5,
    stop_on_error_rate: 0.2,
  });
});

test("resumes a batch with a file, and only with one", async () => {
  api = await startFakeApi({
    "POST /v1/files": { json: { id: "file-1" } },
    "POST /v1/batches": { json: batchJson({ status: "validating" }) },
  });
  context = testContext({ SLUICE_URL: api.url, SLUICE_API_KEY: "k" });
  writeFileSync(join(context.folder, "b.jsonl"), '{"url":"/v1/responses"}\n');
  expect(await runProgram(context, ["submit", "b.jsonl", "--resume-from", "batch_0"])).toBe(0);
  expect(JSON.parse(api.received[1]?.body ?? "")).toMatchObject({
    input_file_id: "file-1",
    resume_from: "batch_0",
  });
  expect(await runProgram(context, ["submit", "a prompt", "--resume-from", "batch_0"])).toBe(2);
});

test("retries a batch with nothing but its id, or with other terms", async () => {
  const routes = { "POST /v1/batches": { json: batchJson({ id: "batch_2", retry_of: "batch_1" }) } };
  const plain = await sluice(["retry", "batch_1"], routes);
  expect([plain.code, plain.out]).toEqual([0, "batch_2\n"]);
  expect(JSON.parse(plain.received[0]?.body ?? "")).toEqual({ retry_of: "batch_1" });
  await api?.close();
  context.remove();
  const flags = ["--deadline", "1h", "--priority", "2", "--max-spend", "5", "--json"];
  const changed = await sluice(["retry", "batch_1", ...flags], routes);
  expect(JSON.parse(changed.received[0]?.body ?? "")).toEqual({
    ...{ retry_of: "batch_1", completion_window: "1h", priority: 2, max_spend_usd: 5 },
  });
  expect(JSON.parse(changed.out)).toMatchObject({ id: "batch_2", retry_of: "batch_1" });
  await api?.close();
  context.remove();
  expect((await sluice(["retry", "job_1"], routes)).code).toBe(2);
});

test("says of a batch what it may cost, and why it was ended", async () => {
  const errors = {
    data: [{ code: "max_spend_reached", line: null, message: "Spent.", param: "max_spend_usd" }],
  };
  const batch = batchJson({ status: "cancelled", cost_usd: 1.25, max_spend_usd: 2, errors });
  const sequels = { retried_as: "batch_2", retry_of: null };
  const json = { ...batch, ...sequels };
  const { out } = await sluice(["status", "batch_1"], { "GET /v1/batches/batch_1": { json } });
  expect(out).toMatch(/^retried as +batch_2$/m);
  expect(out).not.toContain("retry of");
  expect(out).toMatch(/^cost +\$1\.25\d* of at most \$2/m);
  expect(out).toMatch(/^errors +Spent\. \[max_spend_reached\]$/m);
});

test("an error of the API is one line, exit code 1", async () => {
  const { code, err, out } = await sluice(["status", "job_9"], {
    "GET /v1/jobs/job_9": { status: 404, json: { error: { message: "No such job: 'job_9'.", param: "id" } } },
  });
  expect([code, err, out]).toEqual([1, "No such job: 'job_9'. (id)\n", ""]);
});

test("watches a job until it has ended; 1 when it did not succeed", async () => {
  const event = (id: number, status: string, more: object = {}) =>
    `id: ${id}\nevent: job.${status}\ndata: ${JSON.stringify({ status, at: "t", ...more })}\n\n`;
  const running = event(3, "running", { attempt: 1, target: "mini" });
  // The first connection ends before the job does; the second goes on from where it was.
  const streams = [`retry: 1\n\n${event(0, "queued")}: heartbeat\n\n${running}`, event(5, "dead")];
  const states = ["running", "dead"];
  const seen: unknown[] = [];
  const { code, out } = await sluice(["watch", "job_1"], {
    "GET /v1/jobs/job_1": () => ({ json: jobJson({ status: states.shift() ?? "dead" }) }),
    "GET /v1/jobs/job_1/events": ({ headers }) => {
      seen.push(headers["last-event-id"]);
      return { text: streams.shift() ?? "" };
    },
  });
  expect(code).toBe(1);
  expect(seen).toEqual([undefined, "3"]);
  expect(out).toContain("job_1 is queued\njob_1 is running: attempt 1 at mini\n");
  expect(out).toMatch(/status +dead/);
});

test("watches a batch until it has ended; 0 when every line succeeded", async () => {
  const { code, out } = await sluice(["watch", "batch_1", "--json"], {
    "GET /v1/batches/batch_1": { json: batchJson({ request_counts: { total: 2, completed: 2, failed: 0 } }) },
  });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ id: "batch_1", status: "completed" });
});

test("a job's result is the upstream's bytes, big numbers included", async () => {
  const body = '{"n": 12345678901234567890, "result":{"body":1}}';
  const text = `${JSON.stringify(jobJson()).slice(0, -1)},"result":{"status_code":200,"body":${body}}}`;
  const { code, out } = await sluice(["results", "job_1"], { "GET /v1/jobs/job_1": { text } });
  expect([code, out]).toEqual([0, `${body}\n`]);
});

test("a job that has not ended has no result yet", async () => {
  const { code, err } = await sluice(["results", "job_1"], {
    "GET /v1/jobs/job_1": { json: jobJson({ status: "running" }) },
  });
  expect(code).toBe(1);
  expect(err).toContain("job_1 has not ended: it is running");
});

test("a batch's results are both of its files, in a file when asked for", async () => {
  const routes: Routes = {
    "GET /v1/batches/batch_1": {
      json: batchJson({
        output_file_id: "file-a",
        error_file_id: "file-b",
        request_counts: { total: 2, completed: 1, failed: 1 },
      }),
    },
    "GET /v1/files/file-a/content": { text: '{"custom_id":"1"}\n' },
    "GET /v1/files/file-b/content": { text: '{"custom_id":"2","error":{"code":"x","message":"y"}}\n' },
  };
  const lines = '{"custom_id":"1"}\n{"custom_id":"2","error":{"code":"x","message":"y"}}\n';
  expect(await sluice(["results", "batch_1"], routes)).toMatchObject({ code: 1, out: lines });
  await api?.close();
  context.remove();
  const { code } = await sluice(["results", "batch_1", "--out", "o.jsonl"], routes);
  expect(code).toBe(1);
  expect(readFileSync(join(context.folder, "o.jsonl"), "utf8")).toBe(lines);
});

test("cancels jobs and batches where they are", async () => {
  const { code, received } = await sluice(["cancel", "batch_1"], {
    "POST /v1/batches/batch_1/cancel": { json: batchJson({ status: "cancelling" }) },
  });
  expect(code).toBe(0);
  expect(received.map(({ path }) => path)).toEqual(["/v1/batches/batch_1/cancel"]);
});

test("lists jobs by what is asked and names the next page", async () => {
  const { code, out, received } = await sluice(
    ["jobs", "--status", "queued,running", "--limit", "1", "--batch", "batch_1"],
    {
      "GET /v1/jobs": { json: { data: [jobJson()], has_more: true, last_id: "job_1" } },
    },
  );
  expect(code).toBe(0);
  expect(received[0]?.path).toBe("/v1/jobs?status=queued%2Crunning&limit=1&batch_id=batch_1");
  expect(out).toContain("npx sluice jobs --after job_1");
});

test("run says what is wrong with its file or flags before it starts anything", async () => {
  for (const args of [
    ["run", "none.jsonl", "--out", "o"],
    ["run", "empty.jsonl", "--out", "o"],
  ]) {
    context = testContext();
    writeFileSync(join(context.folder, "empty.jsonl"), "");
    expect(await runProgram(context, args)).toBe(2);
    expect(existsSync(join(context.folder, "data"))).toBe(false);
    context.remove();
  }
});

test("run prints every error of the configuration with its line", async () => {
  context = testContext();
  writeFileSync(join(context.folder, "in.jsonl"), "{}\n");
  writeFileSync(join(context.folder, "bad.yaml"), "version: 2\nprovider: {}\n");
  expect(await runProgram(context, ["run", "in.jsonl", "--out", "o", "--config", "bad.yaml"])).toBe(1);
  expect(context.written().err).toMatch(/bad\.yaml:1:\d+ .*\n.*bad\.yaml:2:\d+ provider/);
  expect(existsSync(join(context.folder, "data"))).toBe(false);
});

test("the admin key of this machine never goes to another host", async () => {
  context = testContext({
    SLUICE_URL: "http://192.0.2.1:8080",
    SLUICE_ADMIN_KEY: "an-admin-key-of-this-machine",
  });
  expect(await runProgram(context, ["jobs"])).toBe(1);
  expect(context.written().err).toContain("set SLUICE_API_KEY");
});

const decision = {
  object: "job.route",
  job_id: "job_1",
  dry_run: false,
  model: "auto",
  chosen: "b",
  order: ["c", "b"],
  candidates: [
    { target: "a", pool: "small", dropped: { filter: "in-region", reason: "is in us, not in eu" } },
    {
      target: "b",
      pool: "small",
      translated_to: "/v1/messages",
      scores: { cost: 0.5, latency: 1 },
      total: 2.25,
    },
    { target: "c", pool: "large", scores: { cost: 1, latency: 1 }, total: 3 },
  ],
  rules: [
    { index: 0, matched: false, error: "no such key at character 9" },
    { index: 1, matched: true },
  ],
  held_back: [{ target: "c", limit: "concurrency", wait_ms: 1_500 }],
  policy: "balanced",
  picker: "best",
  propensity: 1,
  attempt: 2,
  failed_targets: ["d"],
  config_hash: "0123456789abcdef",
  decided_at: "2026-11-20T16:00:00.000Z",
};

test("explains where a job went: each candidate with its scores, or why it was not taken", async () => {
  const { code, out } = await sluice(["explain", "job_1"], {
    "GET /v1/jobs/job_1/route": { json: decision },
  });
  expect(code).toBe(0);
  for (const line of [
    /^went to +b$/m,
    /^failed before +d$/m,
    /^ +a +small +dropped by in-region: is in us, not in eu$/m,
    /^\* +b +small +2\.25 +translated to \/v1\/messages, cost 0\.5, latency 1$/m,
    /^1 +c +large +3 +had no room: concurrency, for 2 s$/m,
    /^0 +could not be evaluated: no such key at character 9$/m,
    /^1 +matched$/m,
  ])
    expect(out).toMatch(line);
});

test("routes a prompt without submitting it, and says by its exit code whether something would take it", async () => {
  const dry = { ...decision, job_id: undefined, dry_run: true };
  const args = ["route", "--model", "auto", "--metadata", "place=eu", "hi"];
  const taken = await sluice(args, { "POST /v1/route": { json: dry } });
  expect(taken.code).toBe(0);
  expect(taken.out).toMatch(/^would go to +b$/m);
  expect(taken.received.map(({ method, path }) => `${method} ${path}`)).toEqual(["POST /v1/route"]);
  expect(JSON.parse(taken.received[0]?.body ?? "")).toMatchObject({
    metadata: { place: "eu" },
    body: { model: "auto" },
  });
  context.remove();
  await api?.close();
  const nobody = await sluice([...args, "--json"], { "POST /v1/route": { json: { ...dry, chosen: null } } });
  expect(nobody.code).toBe(1);
  expect(JSON.parse(nobody.out)).toMatchObject({ chosen: null });
});

const messageBatch = (more: object = {}) => ({
  id: "msgbatch_1",
  type: "message_batch",
  processing_status: "ended",
  request_counts: { processing: 0, succeeded: 1, errored: 1, canceled: 0, expired: 0 },
  created_at: "2026-11-20T15:45:00.000Z",
  expires_at: "2026-11-21T15:45:00.000Z",
  ended_at: "2026-11-20T15:46:00.000Z",
  cancel_initiated_at: null,
  ...more,
});
const messageBatchPath = "/v1/messages/batches/msgbatch_1";

test("a message batch is shown, watched and cancelled like a batch", async () => {
  const read = { [`GET ${messageBatchPath}`]: { json: messageBatch() } };
  const shown = await sluice(["status", "msgbatch_1"], read);
  expect(shown.out).toContain("2: 1 succeeded, 1 failed");
  expect(shown.out).toContain("npx sluice results msgbatch_1");
  await api?.close();
  expect(await sluice(["watch", "msgbatch_1"], read)).toMatchObject({ code: 1 });
  await api?.close();
  const canceling = messageBatch({
    processing_status: "canceling",
    cancel_initiated_at: "2026-11-20T15:46:00.000Z",
  });
  const cancelled = await sluice(["cancel", "msgbatch_1"], {
    [`POST ${messageBatchPath}/cancel`]: { json: canceling },
  });
  expect(cancelled.out).toContain("cancelling");
});

test("a message batch's results are Anthropic's lines, in a file when asked for", async () => {
  const text = '{"custom_id":"a"}\n{"custom_id":"b"}\n';
  const routes = {
    [`GET ${messageBatchPath}`]: { json: messageBatch() },
    [`GET ${messageBatchPath}/results`]: { text },
  };
  expect(await sluice(["results", "msgbatch_1"], routes)).toMatchObject({ code: 1, out: text });
  await api?.close();
  const written = await sluice(["results", "msgbatch_1", "--out", "o.jsonl"], routes);
  expect(written).toMatchObject({ code: 1, out: "2 lines written to o.jsonl, 1 of them did not succeed\n" });
  expect(readFileSync(join(context.folder, "o.jsonl"), "utf8")).toBe(text);
});
