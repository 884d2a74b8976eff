import { describe, expect, test } from "vitest";
import { chat, type Seen } from "../test-client.ts";
import { completions, json, setup } from "../test-setup.ts";
import { loadTokenizer } from "../tokenizer.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
const events = (seen: Seen): any[] =>
  seen.body
    .split("\n\n")
    .filter((event) => event.startsWith("data: {"))
    .map((event) => JSON.parse(event.slice(6)));

describe("a chat completion", () => {
  test("says its usage exactly, bounded by max_tokens", async () => {
    const { client } = await setup();
    const countTokens = await loadTokenizer("exact");
    for (const [bound, reason] of [
      [5, "length"],
      [4000, "stop"],
    ] as const) {
      const seen = await client.post(
        completions,
        chat("How many tokens is this?", { max_completion_tokens: bound }),
      );
      expect(seen.status).toBe(200);
      const { choices, usage, object, model } = json(seen);
      expect({ object, model, reason: choices[0].finish_reason }).toEqual({
        object: "chat.completion",
        model: "test-model",
        reason,
      });
      expect(countTokens(choices[0].message.content)).toBe(usage.completion_tokens);
      expect(usage.prompt_tokens).toBe(7 + countTokens("How many tokens is this?"));
      expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
      if (reason === "length") expect(usage.completion_tokens).toBe(5);
    }
  });

  test.each([
    ["at once", 0],
    ["over time", 20_000],
  ])("streams %s one delta for each token of each choice, then finish, usage and DONE", async (_, speed) => {
    const { client } = await setup({ tokensPerSecond: speed });
    const streamed = await client.post(
      completions,
      chat("x", { stream: true, stream_options: { include_usage: true }, n: 2 }),
    );
    expect(streamed.headers["content-type"]).toContain("text/event-stream");
    expect(streamed.body.endsWith("data: [DONE]\n\n")).toBe(true);
    const chunks = events(streamed);
    expect(chunks[0].choices[0].delta.role).toBe("assistant");
    const usage = chunks.at(-1).usage;
    const deltas = chunks.flatMap(({ choices }) => choices).filter(({ delta }) => delta.content);
    expect(deltas).toHaveLength(usage.completion_tokens);
    expect(chunks.at(-1).choices).toEqual([]);
    expect(chunks.at(-2).choices[0].finish_reason).toMatch(/stop|length/);
    const text = deltas
      .filter(({ index }) => index === 0)
      .map(({ delta }) => delta.content)
      .join("");
    expect(text).toMatch(/^[A-Z][a-zA-Z .]+$/);
  });
});

describe("the other endpoints", () => {
  test("embeddings are unit vectors, alike for like texts, in floats and base64", async () => {
    const { client } = await setup();
    const input = ["one", "two", "one"];
    const { data, usage } = json(await client.post("/v1/embeddings", { model: "e", input, dimensions: 8 }));
    const vectors = data.map(({ embedding }: { embedding: number[] }) => embedding);
    expect(vectors[0]).toEqual(vectors[2]);
    expect(vectors[0]).not.toEqual(vectors[1]);
    expect(Math.hypot(...vectors[1])).toBeCloseTo(1, 5);
    expect(usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
    const packed = json(
      await client.post("/v1/embeddings", {
        model: "e",
        input: "one",
        dimensions: 8,
        encoding_format: "base64",
      }),
    );
    const bytes = Buffer.from(packed.data[0].embedding, "base64");
    expect(Array.from({ length: 8 }, (_, index) => bytes.readFloatLE(index * 4))).toEqual(
      vectors[0].map(Math.fround),
    );
  });

  test("responses, completions, moderations and models answer in their shapes", async () => {
    const { client } = await setup({ models: ["m"] });
    const response = json(
      await client.post("/v1/responses", { model: "m", input: "hi", max_output_tokens: 3 }),
    );
    expect(response).toMatchObject({
      object: "response",
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    });
    expect(response.usage.output_tokens).toBe(3);
    const completion = json(await client.post("/v1/completions", { model: "m", prompt: ["a", "b"] }));
    expect(completion.choices).toHaveLength(2);
    expect(json(await client.post("/v1/moderations", { input: ["a"], model: "m" })).results[0].flagged).toBe(
      false,
    );
    expect(json(await client.get("/v1/models")).data.map(({ id }: { id: string }) => id)).toEqual(["m"]);
    expect((await client.get("/healthz")).status).toBe(200);
    const unknown = await client.post(completions, chat("x"));
    expect([unknown.status, json(unknown).error.code]).toEqual([404, "model_not_found"]);
  });

  test.each([
    ["{", null],
    ["[]", null],
    [{ messages: [] }, "model"],
    [{ model: "m" }, "messages"],
    [{ model: "m", messages: [] }, "messages"],
    [{ model: "m", messages: [{ role: "pirate", content: "" }] }, "messages[0].role"],
    [chat("x", { temperature: 3 }), "temperature"],
    [chat("x", { max_tokens: 0 }), "max_tokens"],
    [chat("x", { stream: 1 }), "stream"],
  ])("a bad body %j is refused with the field named", async (body, param) => {
    const { client } = await setup();
    const seen = await client.post(completions, body);
    expect(seen.status).toBe(400);
    expect(json(seen).error).toMatchObject({ type: "invalid_request_error", param });
  });

  test("a wrong or missing key is refused, and keys are counted by fingerprint only", async () => {
    const { client, simulator } = await setup({ apiKeys: ["secret-key"], countHeaders: ["X-Tenant"] });
    expect((await client.post(completions, chat("x"))).status).toBe(401);
    expect((await client.post(completions, chat("x"), { authorization: "Bearer wrong" })).status).toBe(401);
    const headers = { authorization: "Bearer secret-key", "x-tenant": "a" };
    expect((await client.post(completions, chat("x"), headers)).status).toBe(200);
    expect(Object.keys(simulator.stats().by_key)).toHaveLength(3);
    expect(JSON.stringify(simulator.stats())).not.toContain("secret-key");
    expect(simulator.stats().by_header).toEqual({ "x-tenant": { a: 1 } });
  });
});
