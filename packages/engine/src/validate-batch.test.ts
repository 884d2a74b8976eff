import { Readable } from "node:stream";
import { idFromUuid, type JobSpec } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { type BatchSetup, setupBatch } from "../../../test/kit/fakes/batch-setup.ts";
import { sampleBatch, sampleJob, sampleUuid } from "../../../test/kit/samples.ts";

const endpoint = sampleBatch.endpoint;

const line = (customId: string, changes: object = {}) =>
  JSON.stringify({
    custom_id: customId,
    method: "POST",
    url: endpoint,
    body: { model: "auto", input: "x" },
    ...changes,
  });

const lines = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => line(`c${from + index}`));

/** The faults that a file is refused with; fails when it is taken. */
async function faultsOf(text: string, options?: BatchSetup) {
  const { run, failures, deliveries } = await setupBatch(text, options);
  expect(await run()).toEqual({ kind: "failed", code: "invalid_batch" });
  expect(deliveries.ids).toEqual(["dlv_1"]);
  return failures[0] ?? { errors: [], total: 0 };
}

describe("a valid file", () => {
  test("becomes one job per line, as the batch says", async () => {
    const { run, yielded, metrics } = await setupBatch(`${lines(3).join("\n")}\n`);
    expect(await run()).toEqual({ kind: "done", reference: sampleBatch.id });
    expect(yielded.map(({ batchLine }) => batchLine)).toEqual(
      [1, 2, 3].map((number) => ({ batchId: sampleBatch.id, line: number, customId: `c${number}` })),
    );
    expect(yielded[0]).toMatchObject({
      model: "auto",
      endpoint,
      sla: "batch",
      acceptedAt: sampleBatch.createdAt,
      deadlineAt: sampleBatch.expiresAt,
      inputTokens: 3,
      webhookUrl: undefined,
    });
    expect(yielded[0]?.body).toEqual({ kind: "inline", bytes: Buffer.from('{"model":"auto","input":"x"}') });
    expect(new Set(yielded.map(({ id }) => id)).size).toBe(3);
    expect(metrics.totals.get("sluice_jobs_accepted_total{sla=batch}")).toBe(3);
  });

  test("of a batch with a budget has a window of its own", async () => {
    const sets = async (batch: NonNullable<BatchSetup["batch"]>) => {
      const { run, yielded } = await setupBatch(lines(2).join("\n"), { batch });
      await run();
      return new Set(yielded.map(({ candidateSet }) => candidateSet));
    };
    const usual = await sets({});
    const bounded = await sets({ maxSpendUsd: 1 });
    expect([usual.size, bounded.size]).toEqual([1, 1]);
    expect(bounded).not.toEqual(usual);
  });

  test("says of each line when it will have finished, behind those before it", async () => {
    const { run, yielded } = await setupBatch(lines(50).join("\n"));
    await run();
    const waits = yielded.map(({ estimate }) => estimate?.waitMs ?? -1);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(10 * ((waits[0] ?? 0) + 1));
  });

  test("may have blank lines, CRLF and no break at its end; numbers are those of the file", async () => {
    const { run, yielded } = await setupBatch(`\n${line("a")}\r\n  \t\r\n\n${line("b")}`);
    expect(await run()).toMatchObject({ kind: "done" });
    expect(yielded.map(({ batchLine }) => batchLine?.line)).toEqual([2, 5]);
  });

  test("gives its lines a webhook and priority when the batch says so", async () => {
    const webhookUrl = "https://example.com/";
    const { run, yielded } = await setupBatch(line("a"), {
      batch: { webhookUrl, webhookJobs: true, priority: 5 },
    });
    await run();
    expect(yielded[0]).toMatchObject({ webhookUrl, priority: 5 });
    const half = (sampleBatch.expiresAt - sampleBatch.createdAt) / 2;
    expect(yielded[0]?.effectiveDeadlineAt).toBe(sampleBatch.createdAt + half);
  });

  test("keeps large bodies in the file store", async () => {
    const body = { model: "auto", input: "x".repeat(70_000) };
    const { run, yielded, files } = await setupBatch(line("a", { body }));
    await run();
    const kept = yielded[0]?.body;
    expect(kept?.kind === "stored" && files.contents.get(kept.key)?.toString()).toBe(JSON.stringify(body));
  });
});

describe("an invalid file", () => {
  test("is refused with the number, code and field of each line at fault", async () => {
    const text = [
      line("a"),
      "{",
      line("b", { url: "/v1/x" }),
      "",
      line("c", { body: { model: "nope" } }),
      line("d", { body: {} }),
    ];
    expect((await faultsOf(text.join("\n"))).errors).toMatchObject([
      { line: 2, code: "invalid_json", param: undefined },
      { line: 3, code: "invalid_value", param: "url" },
      { line: 5, code: "unknown_model", param: "body.model" },
      { line: 6, code: "missing_required_parameter", param: "body.model" },
    ]);
  });

  test("is refused when a model's name is that of no own entry", async () => {
    const { errors } = await faultsOf(line("a", { body: { model: "constructor" } }));
    expect(errors).toMatchObject([{ line: 1, code: "unknown_model" }]);
  });

  test("names the first line of each custom_id that comes again", async () => {
    const { errors, total } = await faultsOf(
      [line("a"), line("b"), line("a"), "", line("a"), line("b")].join("\n"),
    );
    expect(errors.map(({ line, code, message }) => [line, code, /\d+/.exec(message)?.[0]])).toEqual([
      [3, "duplicate_custom_id", "1"],
      [5, "duplicate_custom_id", "1"],
      [6, "duplicate_custom_id", "2"],
    ]);
    expect(total).toBe(5);
  });

  test("lists at most 100 faults", async () => {
    const { errors } = await faultsOf(new Array<string>(250).fill("{").join("\n"));
    expect(errors).toHaveLength(100);
    expect(errors.at(-1)?.line).toBe(100);
  });

  test("yields no job from its first fault on", async () => {
    const text = [...lines(2_000), "{", ...lines(2_000, 5_000)].join("\n");
    const { run, yielded } = await setupBatch(text, { chunkBytes: 1_000 });
    await run();
    expect(yielded.length).toBeGreaterThan(1_000);
    expect(yielded.every(({ batchLine }) => (batchLine?.line ?? 0) <= 2_000)).toBe(true);
  });

  test.each(["", "\n", " \r\n\t\n"])("is empty when it holds %j", async (text) => {
    expect(await faultsOf(text)).toMatchObject({
      errors: [{ code: "empty_file", line: undefined }],
      total: 0,
    });
  });

  test("is refused above the most lines, and not at it", async () => {
    const { run } = await setupBatch(lines(3).join("\n"), { limits: { batchLines: 3 } });
    expect(await run()).toMatchObject({ kind: "done" });
    const { errors } = await faultsOf(lines(4).join("\n"), { limits: { batchLines: 3 } });
    expect(errors).toMatchObject([{ code: "too_many_lines", line: undefined }]);
  });

  test("is refused above the most inputs of embeddings, and not at it", async () => {
    const embed = (...inputs: unknown[]) =>
      inputs
        .map((input, index) => line(`e${index}`, { url: "/v1/embeddings", body: { model: "auto", input } }))
        .join("\n");
    const of = (most: number) => ({
      batch: { endpoint: "/v1/embeddings" },
      limits: { batchEmbeddingInputs: most },
    });
    const eight = embed("a text", ["three", "more", "texts"], [1, 2, 3, 4], [[5, 6], [7], [8]]);
    expect(await (await setupBatch(eight, of(8))).run()).toMatchObject({ kind: "done" });
    const { errors } = await faultsOf(eight, of(7));
    expect(errors).toMatchObject([{ code: "too_many_inputs", line: undefined, param: "input_file_id" }]);
    const { run } = await setupBatch(lines(9).join("\n"), { limits: { batchEmbeddingInputs: 1 } });
    expect(await run()).toMatchObject({ kind: "done" });
  });

  test("is refused with lines or bodies that are too long, and read on", async () => {
    const limits = { jobBodyBytes: 200 };
    const body = (size: number) => ({ body: { model: "auto", input: "x".repeat(size) } });
    const inputBytes = 200 - JSON.stringify(body(0).body).length;
    const { run } = await setupBatch(line("a", body(inputBytes)), { limits });
    expect(await run()).toMatchObject({ kind: "done" });
    const text = [line("a", body(inputBytes + 1)), line("b", body(9_000)), "{"].join("\n");
    expect((await faultsOf(text, { limits })).errors).toMatchObject([
      { line: 1, code: "payload_too_large", param: "body" },
      { line: 2, code: "payload_too_large", param: undefined },
      { line: 3, code: "invalid_json" },
    ]);
  });

  test("is refused when its lines count more tokens than the tenant has left, and not when they fit", async () => {
    const { run, yielded } = await setupBatch(lines(3).join("\n"));
    await run();
    const tokens = yielded.reduce((sum, job) => sum + job.tokens, 0);
    const of = (counted: number, limit: number) => ({ enqueuedTokens: { counted, limit } });
    const text = lines(3).join("\n");
    const fits = await setupBatch(text, of(100, tokens + 100));
    expect(await fits.run()).toMatchObject({ kind: "done" });
    const { errors, total } = await faultsOf(text, of(101, tokens + 100));
    expect(errors).toMatchObject([{ line: undefined, code: "token_limit_exceeded", param: "input_file_id" }]);
    expect(total).toBe(3);
    // Nobody has counted those of the batch before it yet.
    fits.claims.push(sampleBatch);
    expect(await fits.run()).toMatchObject({ kind: "failed" });
  });

  test("repeats nothing of its lines", async () => {
    const secret = "SECRET-PROMPT";
    const text = [
      `{"${secret}`,
      line(secret),
      line(secret),
      line("b", { body: { model: secret } }),
      line("c", { url: secret }),
    ];
    expect(JSON.stringify(await faultsOf(text.join("\n")))).not.toContain("SECRET");
  });
});

describe("a batch", () => {
  test("that is not there to be claimed is left alone", async () => {
    const { run, claims, yielded, failures } = await setupBatch(line("a"));
    claims.length = 0;
    expect(await run()).toEqual({ kind: "done", reference: "not mine" });
    expect([yielded, failures]).toEqual([[], []]);
  });

  test("that is cancelled meanwhile ends its validation", async () => {
    const { run, failures } = await setupBatch(line("a"), { cancelled: true });
    expect(await run()).toEqual({ kind: "done", reference: "cancelled" });
    expect(failures).toEqual([]);
  });

  test.each(["record", "bytes"])("fails when the %s of its file is gone", async (what) => {
    const { run, files, found, failures, key } = await setupBatch(line("a"));
    if (what === "record") found.file = undefined;
    else files.contents.delete(key);
    expect(await run()).toMatchObject({ kind: "failed" });
    expect(failures[0]).toMatchObject({ errors: [{ code: "not_found", param: "input_file_id" }], total: 0 });
  });

  test("reads a file that came in parts, and fails when one of them is gone", async () => {
    const { run, files, found, failures, claims, yielded } = await setupBatch("");
    const text = `${line("a")}\n${line("b")}`;
    const pieces = await Promise.all(
      [text.slice(0, 30), text.slice(30)].map(async (part) => {
        const { key, bytes } = await files.put(Buffer.from(part));
        return { key, bytes };
      }),
    );
    const { file } = found;
    if (file !== undefined) found.file = { ...file, content: { kind: "pieces", pieces } };
    claims.push(sampleBatch);
    await run();
    expect(yielded.map((job) => job.batchLine?.customId)).toEqual(["a", "b"]);
    files.contents.delete(pieces[1]?.key ?? "");
    expect(await run()).toMatchObject({ kind: "failed" });
    expect(failures).toMatchObject([{ errors: [{ code: "not_found", param: "input_file_id" }] }]);
  });

  test.each(["open", "insertLines", "failBatch", "put"] as const)(
    "is tried again when %s fails",
    async (method) => {
      const { run, files, faults, failures, claims } = await setupBatch(
        method === "failBatch" ? "{" : line("a", { body: { model: "auto", input: "x".repeat(70_000) } }),
      );
      if (method === "open" || method === "put") files.faults.arm(method);
      else faults.arm(method);
      await expect(run()).rejects.toThrow(`${method} fails`);
      expect(failures).toEqual([]);
      claims.push(sampleBatch);
      expect(await run()).toMatchObject({ kind: method === "failBatch" ? "failed" : "done" });
    },
  );
});

describe("a batch that retries another", () => {
  const old = (number: number, changes: Partial<JobSpec> = {}): JobSpec => ({
    ...sampleJob,
    id: idFromUuid("job", sampleUuid),
    priority: 0,
    body: { kind: "stored", key: `body-${number}`, size: 70_000 },
    capabilities: ["tools"],
    inputTokens: number,
    batchLine: { batchId: "batch_old", line: number, customId: `c${number}` },
    ...changes,
  });
  const batch = { retryOf: "batch_old", priority: 7 } as const;

  test("has new jobs for its lines, with their requests, ids and numbers, and its own terms", async () => {
    const { run, retry, yielded, files } = await setupBatch("", { batch });
    retry.push(...Array.from({ length: 450 }, (_, index) => old(index * 2 + 1)));
    files.contents.clear();
    expect(await run()).toMatchObject({ kind: "done" });
    expect(yielded.map(({ batchLine, body, inputTokens }) => [batchLine, body, inputTokens])).toEqual(
      retry.map(({ batchLine, body, inputTokens }) => [
        { ...batchLine, batchId: sampleBatch.id },
        body,
        inputTokens,
      ]),
    );
    expect(yielded[0]).toMatchObject({
      priority: 7,
      sla: "batch",
      deadlineAt: sampleBatch.expiresAt,
      capabilities: ["tools"],
    });
    expect(yielded.some(({ id }) => id === retry[0]?.id)).toBe(false);
  });

  test("fails, by line, when the configuration does not serve one any more, or its lines are gone", async () => {
    const { run, retry, failures } = await setupBatch("", { batch });
    retry.push(old(3), old(8, { model: "gone" }));
    expect(await run()).toMatchObject({ kind: "failed" });
    expect(failures).toMatchObject([{ errors: [{ line: 8, code: "unknown_model" }], total: 2 }]);
    const empty = await setupBatch(line("a"), { batch });
    expect(await empty.run()).toMatchObject({ kind: "failed" });
    expect(empty.failures).toMatchObject([{ errors: [{ code: "not_found", param: "retry_of" }], total: 0 }]);
  });
});

test("what a batch takes over from another does not count against the tenant's tokens", async () => {
  const text = lines(3).join("\n");
  const plain = await setupBatch(text);
  await plain.run();
  const tokens = plain.yielded.reduce((sum, job) => sum + job.tokens, 0);
  const room = {
    enqueuedTokens: { counted: 0, limit: tokens - 1 },
    batch: { resumeFrom: "batch_old" },
  } as const;
  const refused = await setupBatch(text, room);
  expect(await refused.run()).toMatchObject({ kind: "failed" });
  expect(refused.failures).toMatchObject([{ errors: [{ code: "token_limit_exceeded" }], total: 3 }]);
  const taken = await setupBatch(text, room);
  taken.carried.set(plain.yielded[0]?.candidateSet ?? "", 1);
  expect(await taken.run()).toMatchObject({ kind: "done" });
});

describe("the claim on a validation", () => {
  async function endless() {
    const made = await setupBatch("");
    let left = 1_000;
    async function* content() {
      while (left > 0) {
        left -= 1;
        yield Buffer.from(`${line(`c${left}`)}\n`);
        await made.clock.advance(10_000);
      }
    }
    Object.assign(made.files, { open: async () => Readable.from(content()) });
    return { ...made, linesLeft: () => left };
  }

  test("is renewed for as long as it lasts, and not beyond", async () => {
    const { run, claims, clock, linesLeft, yielded } = await endless();
    for (let count = 0; count < 1_200; count += 1) claims.push(sampleBatch);
    expect(await run()).toMatchObject({ kind: "done", reference: sampleBatch.id });
    expect([linesLeft(), yielded.length]).toEqual([0, 1_000]);
    const unused = claims.length;
    expect(unused).toBeLessThan(300);
    await clock.advance(60_000);
    expect([claims.length, clock.pendingTimers()]).toEqual([unused, 0]);
  });

  test("ends the reading of the file when the batch was cancelled or is another's", async () => {
    const { run, claims, linesLeft, failures } = await endless();
    for (let count = 0; count < 5; count += 1) claims.push(sampleBatch);
    expect(await run()).toEqual({ kind: "done", reference: "cancelled" });
    expect(linesLeft()).toBeGreaterThan(900);
    expect(failures).toEqual([]);
  });
});
