import { describe, expect, test } from "vitest";
import { type BatchSetup, messageInput, setupBatch } from "../../../test/kit/fakes/batch-setup.ts";

const anthropic: BatchSetup = { batch: { dialect: "anthropic", lines: 3 } };

const params = { model: "auto", max_tokens: 5, messages: [{ role: "user", content: "x" }] };

describe("a message batch", () => {
  test("becomes one job per request, with the client's bytes", async () => {
    const pretty = JSON.stringify(params, undefined, 2);
    for (const chunkBytes of [1, 7, 100_000]) {
      const { run, yielded } = await setupBatch(messageInput(params, pretty), { ...anthropic, chunkBytes });
      expect(await run()).toMatchObject({ kind: "done" });
      expect(yielded.map(({ batchLine, body }) => [batchLine?.customId, batchLine?.line, body])).toEqual([
        ["c1", 1, { kind: "inline", bytes: Buffer.from(JSON.stringify(params)) }],
        ["c2", 2, { kind: "inline", bytes: Buffer.from(pretty) }],
      ]);
      expect(yielded.map(({ refusal }) => refusal)).toEqual([undefined, undefined]);
    }
  });

  test("refuses single requests and runs the others; what they name is not kept", async () => {
    const wrong = [
      { ...params, model: "no\0such" },
      { ...params, model: "__proto__" },
      { ...params, model: 7 },
      { ...params, messages: "hello" },
    ];
    const { run, yielded, failures } = await setupBatch(messageInput(params, ...wrong), anthropic);
    expect(await run()).toMatchObject({ kind: "done" });
    expect(failures).toEqual([]);
    expect(yielded.map(({ model }) => model)).toEqual(["auto", "", "", "", ""]);
    expect(yielded.map(({ refusal }) => refusal?.statusCode)).toEqual([undefined, 404, 404, 400, 400]);
    const errors = yielded.slice(1).map(({ refusal }) => JSON.parse(refusal?.body.toString() ?? "").error);
    expect(errors.map(({ type, details }) => [type, details.param])).toEqual([
      ["not_found_error", "model"],
      ["not_found_error", "model"],
      ["invalid_request_error", "model"],
      ["invalid_request_error", "messages"],
    ]);
  });

  test("does not count the tokens of what it refuses", async () => {
    const enqueuedTokens = { limit: 100, counted: 90 };
    const refused = { ...params, model: "none", max_tokens: 1_000 };
    const small = await setupBatch(messageInput(params, refused), { ...anthropic, enqueuedTokens });
    expect(await small.run()).toMatchObject({ kind: "done" });
    const large = await setupBatch(messageInput({ ...params, max_tokens: 1_000 }), {
      ...anthropic,
      enqueuedTokens,
    });
    expect(await large.run()).toMatchObject({ kind: "failed" });
    expect(large.failures[0]?.errors).toMatchObject([{ code: "token_limit_exceeded" }]);
  });
});
