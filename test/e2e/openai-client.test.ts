import { createReadStream } from "node:fs";
import { toFile } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { batchLine, promptLines, readResults, samplePath, toJsonl, untilEnded } from "./kit/batches.ts";
import { openaiClient, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { until } from "./kit/until.ts";
import { startWebhookReceiver } from "./kit/webhook-receiver.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 20, tokens_per_second: 5000 }
pools:
  quick:
    targets:
      - { id: quick, provider: quick, model: sim-8b, price: { input: 1, output: 4 } }
models:
  auto: { pools: [quick] }
webhooks: { allow_networks: ["127.0.0.0/8"] }
`;

const forBatch = { endpoint: "/v1/chat/completions", completion_window: "24h" } as const;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
});
afterAll(() => cluster?.stop());

/** Uploads lines as the client does it with a buffer. */
async function upload(lines: readonly unknown[]): Promise<string> {
  const file = await toFile(Buffer.from(toJsonl(lines)), "input.jsonl");
  return (await cluster.openai.files.create({ file, purpose: "batch" })).id;
}

test("a file streamed from disk becomes a batch whose every line is answered", async () => {
  const { openai } = cluster;
  // Streamed, the client sends it chunked, with the file before the purpose.
  const file = await openai.files.create({ file: createReadStream(samplePath), purpose: "batch" });
  expect(file).toMatchObject({
    object: "file",
    filename: "sample.jsonl",
    purpose: "batch",
    status: "processed",
  });
  expect(await openai.files.retrieve(file.id)).toEqual(file);

  const created = await openai.batches.create({
    input_file_id: file.id,
    ...forBatch,
    metadata: { night: "1" },
  });
  expect(created).toMatchObject({
    object: "batch",
    status: "validating",
    output_file_id: null,
    metadata: { night: "1" },
  });
  const batch = await untilEnded(openai, created.id);
  expect(batch).toMatchObject({
    status: "completed",
    request_counts: { total: 120, completed: 120, failed: 0 },
  });
  expect(batch.completed_at).toBeGreaterThanOrEqual(batch.in_progress_at ?? Number.NaN);

  const { output, errors } = await readResults(openai, batch);
  expect(errors).toEqual([]);
  expect(new Set(output.map((line) => line.custom_id)).size).toBe(120);
  for (const line of output) {
    expect(line).toMatchObject({
      error: null,
      response: { status_code: 200, body: { object: "chat.completion" } },
    });
  }
  const outputFile = await openai.files.retrieve(batch.output_file_id ?? "");
  expect(outputFile.purpose).toBe("batch_output");
  const bytes = await (await openai.files.content(outputFile.id)).arrayBuffer();
  expect(bytes.byteLength).toBe(outputFile.bytes);
});

test("lines that the upstream refuses are in the error file, with its answer", async () => {
  const { openai } = cluster;
  const good = batchLine("good", { model: "auto", content: "Name three rivers." });
  const bad = batchLine("bad", { model: "auto", content: "[[sim:400]] Name three rivers." });
  const created = await openai.batches.create({ input_file_id: await upload([good, bad]), ...forBatch });
  const batch = await untilEnded(openai, created.id);
  expect(batch).toMatchObject({
    status: "completed",
    request_counts: { total: 2, completed: 1, failed: 1 },
  });
  const { output, errors } = await readResults(openai, batch);
  expect(output.map((line) => line.custom_id)).toEqual(["good"]);
  expect(errors).toMatchObject([{ custom_id: "bad", response: { status_code: 400, body: { error: {} } } }]);
});

test("a webhook that was refused with 500 comes again under the same id, and the client unwraps it", async () => {
  const { openai, api, url } = cluster;
  const receiver = await startWebhookReceiver([500]);
  try {
    const created = await openai.batches.create({
      input_file_id: await upload(promptLines(2, { model: "auto" })),
      ...forBatch,
      ...{ webhook_url: receiver.url },
    });
    const [first, second] = await until("the webhook comes twice", async () =>
      receiver.received.length >= 2 ? receiver.received : undefined,
    );
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    const { secret } = (await api.get("/v1/webhook_secret")).body;
    const client = openaiClient(url);
    const event = await client.webhooks.unwrap(second?.body ?? "", second?.headers ?? {}, secret);
    expect(event).toMatchObject({
      id: second?.headers["webhook-id"],
      object: "event",
      type: "batch.completed",
      data: { id: created.id },
    });
    const forged = second?.body.replace(created.id, "batch_forged") ?? "";
    await expect(client.webhooks.unwrap(forged, second?.headers ?? {}, secret)).rejects.toThrow(/signature/);
  } finally {
    receiver.close();
  }
});
