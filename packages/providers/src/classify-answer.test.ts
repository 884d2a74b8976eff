import { describe, expect, test } from "vitest";
import { classifyAnswer } from "./classify-answer.ts";
import { parseUsage } from "./parse-usage.ts";

const timing = { latencyMs: 5, sentAfterMs: 1 };

function classify(
  statusCode: number,
  body: string | Buffer,
  headers: Record<string, string> = { "content-type": "application/json" },
) {
  return classifyAnswer({ statusCode, headers, body: Buffer.from(body) }, timing, 0);
}

describe("classifyAnswer", () => {
  test.each([
    [400, "refused"],
    [413, "refused"],
    [415, "refused"],
    [422, "refused"],
    [401, "misconfigured"],
    [402, "misconfigured"],
    [403, "misconfigured"],
    [404, "misconfigured"],
    [429, "throttled"],
    [498, "throttled"],
    [408, "overloaded"],
    [409, "overloaded"],
    [425, "overloaded"],
    [500, "overloaded"],
    [503, "overloaded"],
    [529, "overloaded"],
    [302, "malformed"],
    [410, "malformed"],
  ])("takes status %d as %s", (status, kind) => {
    expect(classify(status, '{"error":{"message":"no"}}').kind).toBe(kind);
  });

  test("keeps the bytes, the type and the request id of a success and of a refusal", () => {
    const headers = { "content-type": "application/json; charset=utf-8", "x-request-id": "r1" };
    const body = '{"a":12345678901234567890}';
    for (const [status, kind] of [
      [200, "succeeded"],
      [400, "refused"],
    ] as const) {
      const answer = {
        statusCode: status,
        contentType: headers["content-type"],
        body: Buffer.from(body),
        requestId: "r1",
      };
      expect(classify(status, body, headers)).toMatchObject({ kind, answer, latencyMs: 5, sentAfterMs: 1 });
    }
  });

  test.each([
    ["a page of HTML", "<html></html>", { "content-type": "text/html" }],
    ["an event stream", "data: {}\n\n", { "content-type": "text/event-stream" }],
    ["half of an object", '{"choices":[{"mess', undefined],
    ["nothing", "", undefined],
    ["an array", "[]", undefined],
    ["an error inside", '{"error":{"message":"overloaded"}}', undefined],
    ["bytes that are not UTF-8", Buffer.from('{"a":"\xff"}', "latin1"), undefined],
    ["a compressed body", "{}", { "content-type": "application/json", "content-encoding": "gzip" }],
  ])("takes a 200 with %s as malformed", (_, body, headers) => {
    expect(classify(200, body, headers).kind).toBe("malformed");
  });

  test("takes a 200 with an error of null, and JSON without a content type, as a success", () => {
    expect(classify(200, '{"error":null,"output":[]}').kind).toBe("succeeded");
    expect(classify(200, "{}", {}).kind).toBe("succeeded");
    expect(classify(200, "{}", { "content-type": "application/vnd.api+json" }).kind).toBe("succeeded");
  });

  test("passes on what the headers say about limits and waiting", () => {
    const headers = {
      "retry-after": "3",
      "x-ratelimit-limit-requests": "5",
      "x-ratelimit-remaining-requests": "0",
    };
    const rateLimits = { requests: { limit: 5, remaining: 0 } };
    expect(classify(429, "", headers)).toMatchObject({
      kind: "throttled",
      statusCode: 429,
      retryAfterMs: 3_000,
      rateLimits,
    });
    expect(classify(503, "", headers)).toMatchObject({
      kind: "overloaded",
      statusCode: 503,
      retryAfterMs: 3_000,
    });
  });

  test("repeats nothing of a malformed answer", () => {
    const reason = JSON.stringify(classify(200, '{"secret prompt'));
    expect(reason).not.toContain("secret");
  });
});

describe("parseUsage", () => {
  const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, reasoningTokens: 0 };
  test.each([
    ["chat", { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }, usage],
    [
      "chat with details",
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      { ...usage, cachedInputTokens: 4, reasoningTokens: 3 },
    ],
    ["embeddings", { prompt_tokens: 10, total_tokens: 10 }, { ...usage, outputTokens: 0 }],
    [
      "responses",
      {
        input_tokens: 10,
        output_tokens: 5,
        input_tokens_details: { cached_tokens: 2 },
        output_tokens_details: { reasoning_tokens: 1 },
      },
      { ...usage, cachedInputTokens: 2, reasoningTokens: 1 },
    ],
    [
      "messages",
      { input_tokens: 4, output_tokens: 5, cache_read_input_tokens: 5, cache_creation_input_tokens: 1 },
      { ...usage, cachedInputTokens: 5 },
    ],
    ["null details", { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: null }, usage],
    ["nonsense", { prompt_tokens: "10", completion_tokens: -5 }, undefined],
    ["null", null, undefined],
  ])("reads the usage of %s", (_, given, expected) => {
    expect(parseUsage({ usage: given })).toEqual(expected);
  });

  test("finds none where there is none", () => {
    for (const answer of [undefined, null, {}, [], "x"]) expect(parseUsage(answer)).toBeUndefined();
  });
});
