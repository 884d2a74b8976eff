import { expect, test } from "vitest";
import { wantedRange } from "./byte-range.ts";

const etag = '"file-1"';

test.each([
  ["bytes=0-3", { start: 0, end: 4 }],
  ["bytes=2-", { start: 2, end: 10 }],
  ["bytes=-3", { start: 7, end: 10 }],
  ["bytes=-30", { start: 0, end: 10 }],
  ["bytes=9-9", { start: 9, end: 10 }],
  ["bytes=4-99999999999999999999", { start: 4, end: 10 }],
  ["Bytes= 1-2 ", { start: 1, end: 3 }],
])("%s of ten bytes", (range, expected) => {
  expect(wantedRange({ range }, 10, etag)).toEqual(expected);
});

test.each(["bytes=", "bytes=-", "bytes=3-2", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1", "0-1", "bytes=1-2x"])(
  "%s is no range, so the whole is meant",
  (range) => {
    expect(wantedRange({ range }, 10, etag)).toBeUndefined();
  },
);

test.each(["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999-"])(
  "%s begins behind the end of ten bytes",
  (range) => {
    expect(() => wantedRange({ range }, 10, etag)).toThrow(/has 10 bytes/);
  },
);

test("a range of another version is the whole", () => {
  const range = "bytes=0-3";
  expect(wantedRange({ range, "if-range": '"file-2"' }, 10, etag)).toBeUndefined();
  expect(wantedRange({ range, "if-range": "Wed, 21 Oct 2015 07:28:00 GMT" }, 10, etag)).toBeUndefined();
  expect(wantedRange({ range, "if-range": etag }, 10, etag)).toEqual({ start: 0, end: 4 });
  expect(wantedRange({}, 10, etag)).toBeUndefined();
});
