import { SluiceError } from "@sluice/domain";
import { assert, jsonValue, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { maxJsonDepth } from "./json-depth.ts";
import { isJsonObject, parseJson } from "./parse-json.ts";

const prompt = "MY-SECRET-PROMPT at position 4711";

/** The message that such a body is refused with. */
function refusal(body: string | Buffer): string {
  try {
    parseJson(Buffer.from(body));
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    expect(error.code).toBe("invalid_json");
    // A cause would carry V8's message, which quotes the text, into the log.
    expect(error.cause).toBeUndefined();
    return error.message;
  }
  throw new Error("the body was taken");
}

describe("parseJson", () => {
  test("parses whatever JSON.stringify writes, with and without a byte order mark", () => {
    assert(
      property(jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
        expect(parseJson(Buffer.from(`\u{feff}${text}`))).toEqual(JSON.parse(text));
      }),
    );
  });

  test.each([
    ['{"a" 1}', "The body is not valid JSON: the fault is at character 5."],
    ['{"a":1}}', "The body is not valid JSON: the fault is at character 7."],
    ["", "The body is not valid JSON: it ends too early."],
    ['{"a":1', "The body is not valid JSON: the fault is at character 6."],
    ["{", "The body is not valid JSON: the fault is at character 1."],
    ["hello", "The body is not valid JSON: it holds an unexpected character."],
    ["[1,]", "The body is not valid JSON: it holds an unexpected character."],
  ])("says where the fault of %s is", (body, message) => {
    expect(refusal(body)).toBe(message);
  });

  test.each([
    `{"messages":"${prompt}`,
    `{"messages":"${prompt}" x`,
    `{"messages":"${prompt}"}x`,
    `${prompt}`,
    `{"messages":${prompt}}`,
    `["${prompt}",]`,
    `{"${prompt}"}`,
    `{"a":"${prompt}\n"}`,
    `{"a":"${prompt}\\q"}`,
  ])("repeats nothing of a broken body (%#)", (body) => {
    expect(refusal(body)).not.toMatch(/secret|prompt|4711|messages/i);
  });

  test("refuses what is not UTF-8, and takes the next body all the same", () => {
    const halves = [[0xff], [0xe2, 0x82], [0xc0, 0x80], [0xed, 0xa0, 0x80]];
    for (const bytes of halves) {
      const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
      expect(refusal(body)).toBe("The body is not valid UTF-8.");
      expect(refusal(Buffer.from(bytes))).toBe("The body is not valid UTF-8.");
      expect(parseJson(Buffer.from('{"a":"é"}'))).toEqual({ a: "é" });
    }
  });

  test("takes any nesting up to the limit, and nothing deeper", () => {
    const nested = (levels: number, inside = "") => "[".repeat(levels) + inside + "]".repeat(levels);
    expect(() => parseJson(Buffer.from(nested(maxJsonDepth)))).not.toThrow();
    expect(refusal(nested(maxJsonDepth + 1))).toBe("The body nests more than 1000 levels deep.");
    expect(refusal(nested(200_000))).toMatch(/nests more than/);
    expect(refusal(`${'{"a":'.repeat(1_001)}1${"}".repeat(1_001)}`)).toMatch(/nests more than/);
    // Brackets in strings are text, and brackets side by side are not deep.
    expect(() => parseJson(Buffer.from(JSON.stringify("[".repeat(2_000))))).not.toThrow();
    expect(() => parseJson(Buffer.from(`[${new Array(3_000).fill("[]").join(",")}]`))).not.toThrow();
  });

  test("answers any bytes with a value or with invalid_json", () => {
    assert(
      property(uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          parseJson(bytes);
        } catch (error) {
          expect(error).toMatchObject({ name: "SluiceError", code: "invalid_json" });
        }
      }),
    );
  });
});

test("only an object is a JSON object", () => {
  expect([{}, { a: 1 }].every(isJsonObject)).toBe(true);
  expect([[], null, "x", 1, true, undefined].some(isJsonObject)).toBe(false);
});
