import { assert, dictionary, jsonValue, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonTestSuite } from "../../../test/kit/json-test-suite.ts";
import { findTopLevelSpans } from "./json-spans.ts";

/** The text of each value found for `key`. */
function slices(text: string | Buffer, key: string): string[] {
  const bytes = Buffer.from(text);
  return (findTopLevelSpans(bytes, [key])[key] ?? []).map(({ start, end }) =>
    bytes.toString("utf8", start, end),
  );
}

describe("findTopLevelSpans", () => {
  test.each([
    ['{"a":1}', ["1"]],
    [' {\n"b" : [1,{"a":2}] ,\t"a" :\r\n "x\\"y\\\\" } ', ['"x\\"y\\\\"']],
    ['{"a":1,"a":2}', ["1", "2"]],
    ['{"\\u0061":true}', ["true"]],
    ['{"é":"\u{1f600}","a":12345678901234567890.0e-400}', ["12345678901234567890.0e-400"]],
    ['{"b":{"a":1},"a":{"a":"}"}}', ['{"a":"}"}']],
    ['{"a":"\\u0000"}', ['"\\u0000"']],
    ['\u{feff}{"a":null}', ["null"]],
    ["{}", []],
    ['["a",1]', []],
    ['"a"', []],
  ])("finds the bytes of a in %s", (text, expected) => {
    expect(slices(text, "a")).toEqual(expected);
  });

  test("finds every value of any object, at any spacing", () => {
    assert(
      property(dictionary(string({ unit: "binary" }), jsonValue()), (value) => {
        for (const space of [0, 2]) {
          const text = JSON.stringify(value, null, space);
          const spans = findTopLevelSpans(text, Object.keys(value));
          const bytes = Buffer.from(text);
          for (const [key, [span, ...more]] of Object.entries(spans)) {
            expect(more).toEqual([]);
            // Compared as written: JSON.stringify turns -0 into 0 and knows no other loss.
            expect(JSON.parse(bytes.toString("utf8", span?.start, span?.end))).toEqual(
              (JSON.parse(text) as Record<string, unknown>)[key],
            );
          }
        }
      }),
    );
  });

  test("ends on text that is not JSON", () => {
    for (const text of ["", "{", '{"a', '{"a"', '{"a":', '{"a":[', '{"a":"\\', '{"a":1,', "{,}", '{"a":]}']) {
      expect(() => findTopLevelSpans(text, ["a"])).not.toThrow();
    }
  });

  test("finds what JSON.parse finds in every valid case of the JSON test suite", () => {
    const valid = jsonTestSuite().filter(({ name }) => name.startsWith("y_"));
    expect(valid).toHaveLength(95);
    for (const { bytes } of valid) expectSameValues(bytes);
  });
});

function expectSameValues(bytes: Buffer): void {
  const value: unknown = JSON.parse(bytes.toString("utf8"));
  // Wrapped as well, so that arrays and scalars at the top are scanned too.
  const wrapped = Buffer.concat([
    Buffer.from('{"before":[{}],"it" : '),
    bytes,
    Buffer.from('\n,"after":"\\\\"}'),
  ]);
  expect(slices(wrapped, "it").map((text) => JSON.parse(text) as unknown)).toEqual([value]);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  for (const [key, expected] of Object.entries(value)) {
    // Of duplicate keys JSON.parse keeps the last.
    expect(JSON.parse(slices(bytes, key).at(-1) ?? "")).toEqual(expected);
  }
}
