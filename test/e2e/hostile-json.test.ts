import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { jsonTestSuite } from "../kit/json-test-suite.ts";
import { batchLine, startBatch, untilEnded } from "./kit/batches.ts";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { untilJobsEnd } from "./kit/submit.ts";

const config = `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 10, tokens_per_second: 5000 }
pools:
  only: { targets: [{ id: only, provider: sim, model: sim-8b }] }
models:
  auto: { pools: [only] }
`;

const chat = "/v1/chat/completions";
const sixtyFourMegabytes = 64 * 1024 ** 2;
const deep = 100_000;

let cluster: TestCluster;
let started: readonly { readonly name: string; readonly pid: number }[];
beforeAll(async () => {
  cluster = await startTestCluster({ config, workers: 1 });
  started = cluster.supervised.processes;
});
// Whatever was sent: every process is the one that was started, and works.
afterEach(async () => {
  expect((await cluster.api.get("/healthz")).status).toBe(200);
  for (const url of Object.values(cluster.health)) expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(cluster.supervised.processes).toEqual(started);
});
afterAll(() => cluster?.stop());

/** What an error says, whichever it is. */
const refusalOf = async (path: string, body: Buffer | string) => {
  const { status, body: answer } = await cluster.api.post(path, body);
  return { status, code: answer?.error?.code, param: answer?.error?.param };
};

describe.each(["/v1/jobs", "/v1/batches", chat, "/v1/responses"])("as the body of POST %s", (path) => {
  test("all cases of the JSON test suite are answered: what is not JSON as that, what is as no such request", async () => {
    const cases = jsonTestSuite();
    expect(cases).toHaveLength(318);
    for (const { name, bytes } of cases) {
      const { status, code } = await refusalOf(path, bytes);
      expect([name, status]).toEqual([name, 400]);
      if (name.startsWith("n_") && bytes.length > 0) expect([name, code]).toEqual([name, "invalid_json"]);
      if (name.startsWith("y_")) expect([name, code]).not.toEqual([name, "invalid_json"]);
      expect((await cluster.api.get("/healthz")).status).toBe(200);
    }
  });

  test("what is deep, large, no UTF-8 or holds NUL is refused", async () => {
    const nested = [`${"[".repeat(deep)}${"]".repeat(deep)}`, `${'{"a":'.repeat(deep)}1${"}".repeat(deep)}`];
    for (const body of nested)
      expect(await refusalOf(path, body)).toMatchObject({ status: 400, code: "invalid_json" });
    for (const body of [
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      Buffer.from('{"a":"\0"}'),
      "\0",
    ])
      expect(await refusalOf(path, body)).toMatchObject({ status: 400, code: "invalid_json" });
    const large = `{"a":"${"x".repeat(sixtyFourMegabytes)}"}`;
    expect(await refusalOf(path, large)).toMatchObject({ status: 413, code: "payload_too_large" });
  });
});

const good = JSON.stringify(batchLine("good", { model: "auto", content: "Name three rivers." }));

/** The faults of a batch whose file has these lines behind a good one. */
async function faultsOf(lines: readonly (Buffer | string)[]) {
  const bytes = Buffer.concat([good, ...lines].flatMap((line) => [Buffer.from(line), Buffer.from("\n")]));
  const batch = await untilEnded(cluster.openai, await startBatch(cluster.api, bytes));
  expect(batch).toMatchObject({ status: "failed", request_counts: { completed: 0, failed: 0 } });
  return batch.errors?.data ?? [];
}

describe("as lines of a batch", () => {
  test("all cases without a line break are answered with their line", async () => {
    const cases = jsonTestSuite().filter(({ bytes }) => !bytes.includes(0x0a) && !isBlank(bytes));
    expect(cases.length).toBeGreaterThan(300);
    // A batch tells a hundred faults at most.
    for (let from = 0; from < cases.length; from += 90) {
      const part = cases.slice(from, from + 90);
      const faults = new Map(
        (await faultsOf(part.map(({ bytes }) => bytes))).map((fault) => [fault.line, fault]),
      );
      for (const [index, { name, bytes }] of part.entries()) {
        const fault = faults.get(index + 2);
        const seen = [name, fault?.code, fault?.message];
        if (name.startsWith("n_"))
          expect(seen).toEqual([name, "invalid_json", expect.not.stringContaining("object")]);
        else if (name.startsWith("i_")) expect(seen).toEqual([name, expect.any(String), expect.any(String)]);
        else if (isObject(bytes))
          expect(seen).toEqual([name, "missing_required_parameter", expect.any(String)]);
        else expect(seen).toEqual([name, "invalid_json", "This line is not a JSON object."]);
      }
    }
  });

  test("what is deep, large, no UTF-8 or holds NUL is a fault of its line, and what stands behind it is read", async () => {
    const line = (changes: object) => JSON.stringify({ ...JSON.parse(good), custom_id: "other", ...changes });
    const within = (text: string) => line({ body: "HERE" }).replace('"HERE"', text);
    const faults = await faultsOf([
      "[".repeat(deep) + "]".repeat(deep),
      within(`{"model":"auto","messages":${"[".repeat(deep)}${"]".repeat(deep)}}`),
      within(`{"model":"auto","messages":"${"x".repeat(sixtyFourMegabytes)}"}`),
      Buffer.from(good.replace("good", "\xff\xfe"), "latin1"),
      good.replace("good", "\0"),
      line({ custom_id: "nul\0" }),
      line({ custom_id: "half \ud800" }),
      within('{"model":"auto","model":"auto"}'),
      `${line({}).slice(0, -1)},"body":{"model":"auto"}}`,
      `{"__proto__":${good}}`,
      within('{"__proto__":{"model":"auto"}}'),
      good,
    ]);
    expect(faults.map(({ line, code, param }) => [line, code, param])).toEqual([
      [2, "invalid_json", null],
      [3, "invalid_json", null],
      [4, "payload_too_large", null],
      [5, "invalid_json", null],
      [6, "invalid_json", null],
      [7, "invalid_value", "custom_id"],
      [8, "invalid_value", "custom_id"],
      [9, "duplicate_key", "body.model"],
      [10, "duplicate_key", "body"],
      [11, "missing_required_parameter", "custom_id"],
      [12, "missing_required_parameter", "body.model"],
      [13, "duplicate_custom_id", "custom_id"],
    ]);
  });
});

test("nothing of all that was called", async () => {
  expect((await cluster.simulators["sim"]?.stats())?.calls).toBe(0);
});

test("odd but valid JSON is a job like any other, and goes up as it is", async () => {
  const body = (more: string) => `{"model":"auto","messages":[{"role":"user","content":"Hi."}],${more}}`;
  const odd = [
    '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}',
    '"user":"first","user":"second"',
    '"user":"a\\u0000b","seed":1e0',
    `"metadata":${'{"a":'.repeat(500)}1${"}".repeat(500)}`,
    `"user":${JSON.stringify("\u{2028}\u{feff}\u{10ffff}")}`,
  ];
  const ids: string[] = [];
  for (const more of odd) {
    const answer = await cluster.api.post("/v1/jobs", `{"endpoint":"${chat}","body":${body(more)}}`);
    expect([more, answer.status]).toEqual([more, 202]);
    ids.push(answer.body.id);
  }
  const jobs = await untilJobsEnd(cluster.api, ids, 60_000);
  expect(jobs.map(({ status }) => status)).toEqual(odd.map(() => "succeeded"));
  const polluting = await cluster.api.post(
    "/v1/jobs",
    `{"endpoint":"${chat}","__proto__":{"priority":9},"body":${body('"n":1')}}`,
  );
  expect([polluting.status, polluting.body.error.code]).toEqual([400, "unknown_parameter"]);
});

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => [0x20, 0x09, 0x0d].includes(byte));
}

function isObject(bytes: Buffer): boolean {
  const value: unknown = JSON.parse(bytes.toString());
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
