import { assert, dictionary, jsonValue, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { replaceTopLevelModel } from "./index.ts";

const replaced = (text: string, model = "m") =>
  replaceTopLevelModel(Buffer.from(text), model).toString("utf8");

describe("replaceTopLevelModel", () => {
  test("leaves every other byte as it is", () => {
    const text =
      '\n{ "big":12345678901234567890,"x":1,"x":1.0e2 , "model" : "auto","nul":"\\u0000\u{1f600}","n":{"model":"inner"} }\n';
    expect(replaced(text, "gpt-4o")).toBe(text.replace('"auto"', '"gpt-4o"'));
  });

  test("replaces each one of several, also when its key is written with escapes", () => {
    expect(replaced('{"model":"a","m\\u006fdel":"b","model":{"c":1}}')).toBe(
      '{"model":"m","m\\u006fdel":"m","model":"m"}',
    );
  });

  test("escapes the new name as JSON", () => {
    expect(JSON.parse(replaced('{"model":"a"}', 'a"b\\c\n'))).toEqual({ model: 'a"b\\c\n' });
  });

  test("changes nothing when there is no model", () => {
    expect(replaced('{"a":{"model":1}}')).toBe('{"a":{"model":1}}');
  });

  test("gives what parsing, replacing and printing would give, for any object", () => {
    assert(
      property(dictionary(string(), jsonValue()), string(), (fields, model) => {
        const before = { model: "auto", ...fields };
        expect(JSON.parse(replaced(JSON.stringify(before), model))).toEqual(
          JSON.parse(JSON.stringify({ ...before, model })),
        );
      }),
    );
  });
});
