import { describe, expect, test } from "vitest";
import { estimateInputTokens } from "./index.ts";

describe("estimateInputTokens", () => {
  // Counted by gpt-tokenizer 4.0.0 with o200k_base.
  test.each([
    [
      "The quick brown fox jumps over the lazy dog, then rests beneath the old oak tree while the wind moves through its leaves.",
      25,
    ],
    [
      "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many clips did Natalia sell altogether in April and May?",
      36,
    ],
    ["def add(a, b):\n    return a + b\n\nfor i in range(10):\n    print(add(i, i * 2))\n", 29],
    [
      '{"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}',
      29,
    ],
    [
      "Die Grundrechte der Bundesrepublik Deutschland wurden 1949 verkündet und seither vielfach geändert.",
      21,
    ],
    ["Привет, как дела? Сегодня хорошая погода, пойдём гулять в парк.", 20],
    ["今天天气很好,我们去公园散步吧。晚上一起吃饭。", 18],
    ["こんにちは、元気ですか。明日の会議は何時からですか。", 18],
    ["مرحبا كيف حالك اليوم؟ هل نذهب إلى الحديقة", 13],
    ["12345 + 67890 = 80235; 3.14159 * 2.71828 = 8.53973", 28],
    ["[ [ { ( < > ) } ] ] ( ) { } [ ( ) ]", 18],
    ["| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n", 24],
  ])("is what the tokenizer counts for %j", (text, tokens) => {
    expect(estimateInputTokens({ input: text })).toBe(tokens);
  });

  test("guesses what the tokenizer does not read of a long prompt by what it has read", () => {
    const line = "def add(a, b):\n    return a + b\n\n";
    const { length } = line;
    const tokensOfLine = 12;
    expect(estimateInputTokens({ input: line.repeat(100) })).toBe(100 * tokensOfLine);
    const long = estimateInputTokens({ input: line.repeat(10_000) });
    expect(10_000 * length).toBeGreaterThan(300_000);
    expect(Math.abs(long / (10_000 * tokensOfLine) - 1)).toBeLessThan(0.05);
  });

  test("takes what spells a special token for plain text", () => {
    expect(estimateInputTokens({ input: "<|endoftext|>" })).toBeGreaterThan(1);
  });

  const text = "one two three four";

  test("reads the prompt wherever an endpoint has it", () => {
    expect(estimateInputTokens({ input: text })).toBe(4);
    expect(estimateInputTokens({ prompt: [text, text] })).toBe(8);
    expect(estimateInputTokens({ input: [1, 2, 3] })).toBe(3);
    expect(estimateInputTokens({ input: [[1, 2, 3], [4]] })).toBe(4);
    expect(estimateInputTokens({ instructions: text, input: [{ role: "user", content: text }] })).toBe(12);
    expect(estimateInputTokens({ messages: [{ role: "user", content: [{ type: "text", text }] }] })).toBe(11);
  });

  test("counts images, tools and tool calls", () => {
    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(100_000)}` } };
    const plain = estimateInputTokens({ messages: [{ role: "user", content: text }] });
    expect(
      estimateInputTokens({ messages: [{ role: "user", content: [{ type: "text", text }, image] }] }),
    ).toBe(plain + 765);
    const tools = [{ type: "function", function: { name: "look_up", parameters: { type: "object" } } }];
    expect(estimateInputTokens({ messages: [{ role: "user", content: text }], tools })).toBeGreaterThan(
      plain + 10,
    );
    const message = {
      role: "assistant",
      content: text,
      tool_calls: [{ function: { name: "f", arguments: "{}" } }],
    };
    expect(estimateInputTokens({ messages: [message] })).toBeGreaterThan(plain);
  });

  test("counts what messages have in places of their own: system, uses and results of tools, the format", () => {
    const count = (body: object) => estimateInputTokens({ messages: [], ...body });
    const blocks = (...content: object[]) => count({ messages: [{ role: "user", content }] });
    expect(count({ system: text })).toBe(count({}) + 4);
    expect(count({ system: [{ type: "text", text }] })).toBe(count({}) + 4);
    expect(blocks({ type: "tool_use", id: "t", name: "f", input: { a: text } })).toBeGreaterThan(
      blocks() + 4,
    );
    expect(blocks({ type: "tool_result", content: [{ type: "text", text }] })).toBe(blocks() + 4);
    expect(count({ output_config: { format: { schema: { title: text } } } })).toBeGreaterThan(count({}) + 4);
  });

  test.each([undefined, null, 7, "text", [], {}, { messages: null }, { messages: [null, 3] }, { input: {} }])(
    "is at least 1 for %j, whatever it is",
    (body) => {
      expect(estimateInputTokens(body)).toBeGreaterThanOrEqual(1);
    },
  );
});
