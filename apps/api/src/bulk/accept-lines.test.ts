import { Readable } from "node:stream";
import type { Config } from "@sluice/config";
import { SluiceError, tenantId } from "@sluice/domain";
import type { AcceptJobRequest } from "@sluice/engine";
import { expect, test } from "vitest";
import { createRecordingLogger } from "../../../../test/kit/fakes/records.ts";
import { acceptLines, type BulkCall } from "./accept-lines.ts";

const good = (more: object = {}) =>
  JSON.stringify({ endpoint: "/v1/chat/completions", body: { model: "auto", messages: [] }, ...more });

/** Accepts every job; each gets the number of its turn as id. */
function setup(changes: Partial<BulkCall> = {}) {
  const accepted: AcceptJobRequest[] = [];
  const logger = createRecordingLogger();
  const source = {
    caller: {
      keyId: "key_1",
      keyUsdPerDay: undefined,
      role: "member",
      keyTenantId: tenantId("acme"),
      tenantId: tenantId("acme"),
    },
    tags: { sla: "batch" },
    config: () => ({ limits: { jobBodyBytes: 1000 }, webhooks: { allowNetworks: [] } }) as unknown as Config,
  } as const;
  const call: BulkCall = {
    source,
    key: undefined,
    traceparent: "00-trace",
    logger,
    async acceptJob(request) {
      accepted.push(request);
      return { status: 202, body: JSON.stringify({ id: `job_${accepted.length}` }), replayed: false };
    },
    ...changes,
  };
  async function run(...chunks: string[]) {
    let text = "";
    await acceptLines(call, Readable.from(chunks.map((chunk) => Buffer.from(chunk))), async (part) => {
      text += part;
    });
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
  return { accepted, call, logger, run };
}

test("each line is a job or an error, and the rest goes on", async () => {
  const { accepted, run } = setup();
  const long = good({ metadata: { long: "x".repeat(70_000) } });
  const text = [good(), "", "{broken", "[]", long, good({ extra: 1 }), "  ", good({ priority: 3 })].join(
    "\r\n",
  );
  expect(await run(text.slice(0, 10), text.slice(10, 200), text.slice(200))).toMatchObject([
    { index: 0, id: "job_1" },
    { index: 2, error: { code: "invalid_json", status: 400 } },
    { index: 3, error: { code: "invalid_request" } },
    { index: 4, error: { code: "payload_too_large", status: 413 } },
    { index: 5, error: { code: "unknown_parameter", param: "extra" } },
    { index: 7, id: "job_2" },
  ]);
  expect(accepted.map(({ fields }) => fields)).toMatchObject([
    { tenantId: "acme", keyId: "key_1", sla: "batch", priority: undefined, traceparent: "00-trace" },
    { priority: 3 },
  ]);
  expect(accepted[0]?.body.toString()).toBe('{"model":"auto","messages":[]}');
});

test("answers keep the order of the lines whichever job is accepted first", async () => {
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  let turn = 0;
  const { run } = setup({
    async acceptJob() {
      const mine = turn++;
      await gates[mine]?.promise;
      return { status: 202, body: `{"id":"job_${mine}"}`, replayed: false };
    },
  });
  const answers = run(`${good()}\n`, `${good()}\n`, `${good()}\n`);
  for (const gate of gates.toReversed()) gate.resolve();
  expect(await answers).toEqual([0, 1, 2].map((index) => ({ index, id: `job_${index}` })));
});

test("a refusal says when to come back, and a fault of ours says nothing of itself", async () => {
  let turn = 0;
  const { run, logger } = setup({
    async acceptJob() {
      turn += 1;
      if (turn === 1) throw new SluiceError("queue_full", "full", { retryAfterSeconds: 7 });
      throw new Error("secret");
    },
  });
  const answers = await run(`${good()}\n${good()}\n`);
  expect(answers).toMatchObject([
    { error: { code: "queue_full", status: 503, retry_after: 7 } },
    { error: { code: "internal_error", status: 500 } },
  ]);
  expect(JSON.stringify(answers)).not.toContain("secret");
  expect(logger.entries).toHaveLength(1);
});

test("a line is known by its key, or by its place in a call that has one", async () => {
  const { accepted, run } = setup({ key: "nightly" });
  await run(`${good()}\n${good({ idempotency_key: "mine" })}\n${good({ idempotency_key: "" })}\n`);
  const keys = accepted.map(({ idempotency }) => [idempotency?.route, idempotency?.key]);
  expect(keys).toEqual([
    ["POST /v1/jobs/bulk, by place", "nightly 1"],
    ["POST /v1/jobs/bulk", "mine"],
  ]);
  const hashes = accepted.map(({ idempotency }) => idempotency?.bodySha256.toString("hex"));
  expect(new Set(hashes).size).toBe(2);
  const plain = setup();
  await plain.run(good());
  expect(plain.accepted[0]?.idempotency).toBeUndefined();
});

test("what has been read when the lines break off is answered", async () => {
  async function* broken() {
    yield Buffer.from(`${good()}\n{"half`);
    throw new Error("gone");
  }
  let text = "";
  const answered = acceptLines(setup().call, Readable.from(broken()), async (part) => {
    text += part;
  });
  await expect(answered).rejects.toThrow("gone");
  expect(text).toBe('{"index":0,"id":"job_1"}\n');
});
