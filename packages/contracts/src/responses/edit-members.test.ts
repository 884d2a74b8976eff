import { expect, test } from "vitest";
import { editMembers } from "./edit-members.ts";

function edit(text: string, without: string[], added?: Record<string, unknown>): string {
  return editMembers(Buffer.from(text), {
    without,
    ...(added === undefined ? {} : { with: added }),
  }).toString();
}

test("what stays keeps its bytes, whatever stands around it", () => {
  const text =
    '{ "a" : 1.0 ,"background":true, "b":{"background":false,"n":12345678901234567890} , "store" : null }';
  expect(edit(text, ["background", "store"])).toBe(
    '{"a" : 1.0,"b":{"background":false,"n":12345678901234567890}}',
  );
});

test("without any of the keys the text is untouched, to its white space", () => {
  const text = '\n{ "a":1 , "a":2 }\n';
  expect(edit(text, ["b"])).toBe(text);
});

test("keys that stand twice or are written with escapes go too, and nothing may be left", () => {
  expect(edit('{"a":1,"\\u0061":2}', ["a"])).toBe("{}");
  expect(edit('{"a":1}', ["a"], { b: [1] })).toBe('{"b":[1]}');
});

test("what is added takes the place of what stands there", () => {
  expect(edit('{"input":"old","x":1}', [], { input: ["new"] })).toBe('{"input":["new"],"x":1}');
});
