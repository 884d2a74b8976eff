import { expect, test } from "vitest";
import { attachmentNamed } from "./content-disposition.ts";

test.each([
  ["night 1.jsonl", `attachment; filename="night 1.jsonl"; filename*=UTF-8''night%201.jsonl`],
  ["größe.txt", `attachment; filename="gr__e.txt"; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt`],
  ['a";x="b', `attachment; filename="a__x__b"; filename*=UTF-8''a%22%3Bx%3D%22b`],
  ["it's (1)*", `attachment; filename="it_s _1__"; filename*=UTF-8''it%27s%20%281%29%2A`],
  ["../../etc/passwd", `attachment; filename="__.._etc_passwd"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd`],
])("the name %j is no more than a name", (name, expected) => {
  expect(attachmentNamed(name)).toBe(expected);
});

test.each(["a\r\nset-cookie: x=1", "a\0b", "\ud800", "\u202egpj.exe"])(
  "the name %j becomes a header of plain characters",
  (name) => {
    expect(attachmentNamed(name)).toMatch(/^[\x20-\x7e]+$/);
  },
);
