import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createServerSentEventParser } from "./server-sent-events.ts";
import { formatStreamEnd, formatStreamEvent } from "./stream-event.ts";

function parse(pieces: readonly Uint8Array[]) {
  const parser = createServerSentEventParser();
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
}

const one = (text: string) => parse([Buffer.from(text)]);
const plain = (data: string) => ({ name: undefined, data });

describe("createServerSentEventParser", () => {
  test.each([
    ["data: a\n\n", [plain("a")]],
    ["data:a\r\n\r\ndata: b\r\r", [plain("a"), plain("b")]],
    ["event: x\ndata: 1\ndata: 2\n\n", [{ name: "x", data: "1\n2" }]],
    [": a comment\n\nid: 4\nretry: 9\n\ndata\n\n", [plain("")]],
    ["event: no data\n\ndata: a\n\n", [plain("a")]],
    ["event:\ndata:  two\n\n", [plain(" two")]],
    ["\u{feff}data: a\n\n", [plain("a")]],
    ["data: [DONE]", [plain("[DONE]")]],
    ["data: a\r\n\r", [plain("a")]],
    ["", []],
  ])("reads %j", (text, expected) => {
    expect(one(text)).toEqual(expected);
  });

  test("reads the same wherever the pieces end, in the middle of a character or of a CRLF too", () => {
    const text = 'event: δ\r\ndata: {"t":"a😀\\n"}\r\n\r\n: ping\r\rdata: é\ndata: 1\n\ndata: [DONE]\n\n';
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(parse(pieces)).toEqual(one(text));
      }),
    );
    expect(one(text)).toHaveLength(3);
  });

  test("throws for bytes that are not UTF-8, also when the stream ends inside a character", () => {
    expect(() => parse([Buffer.from("data: \xff\n\n", "latin1")])).toThrow(TypeError);
    expect(() => parse([Buffer.from("data: é").subarray(0, -1)])).toThrow(TypeError);
  });

  test("reads back what was written", () => {
    const written = [{ data: { text: "a\n\nb\u2028" } }, { event: "x", data: { type: "x" } }];
    const read = one(written.map(formatStreamEvent).join("") + formatStreamEnd("chat"));
    expect(read).toEqual([
      plain(JSON.stringify(written[0]?.data)),
      { name: "x", data: '{"type":"x"}' },
      plain("[DONE]"),
    ]);
    expect(formatStreamEnd("responses") + formatStreamEnd("messages")).toBe("");
  });
});
