import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createServerSentEventParser, parseServerSentEvents } from "./server-sent-events.ts";
import { formatStreamEnd, formatStreamEvent } from "./stream-event.ts";

const message = (data: string, event = "message", id = "") => ({ event, data, id });

describe("server-sent events", () => {
  test.each<[string, string, object[]]>([
    ["a named event", "event: a\ndata: {}\n\n", [message("{}", "a")]],
    ["data without a space, with two", "data:1\n\ndata:  2\n\n", [message("1"), message(" 2")]],
    ["lines joined", "data: 1\ndata: 2\n\n", [message("1\n2")]],
    ["CRLF and CR", "data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n", [message("1"), message("2"), message("3")]],
    ["comments and unknown fields", ": ping\nretry: 5\nfoo: x\ndata: 1\n\n", [message("1")]],
    ["an event without data", "event: a\n\ndata: 1\n\n", [message("1")]],
    ["an empty line of data", "data\n\n", [message("")]],
    [
      "ids that stay",
      "id: 7\ndata: 1\n\ndata: 2\n\n",
      [message("1", "message", "7"), message("2", "message", "7")],
    ],
    ["a byte order mark", "\uFEFFdata: 1\n\n", [message("1")]],
    ["an end that is missing", "data: 1\n\ndata: 2\n", [message("1")]],
  ])("reads %s", (_, stream, events) => {
    expect(parseServerSentEvents(stream)).toEqual(events);
  });

  test("come out the same however the bytes are cut", () => {
    const field = fc.constantFrom("data: ä€𝄞", "data:", "event: x", ": c", "id: 1", "", "");
    const stream = fc.array(fc.tuple(field, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 20 });
    fc.assert(
      fc.property(stream, fc.infiniteStream(fc.integer({ min: 1, max: 5 })), (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => line.join("")).join(""));
        const parser = createServerSentEventParser();
        const events = [];
        for (let at = 0; at < bytes.length; ) {
          const size = Number(sizes.next().value);
          events.push(...parser.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(events).toEqual(parseServerSentEvents(bytes));
      }),
    );
  });

  test("are read back as they were written", () => {
    const written = [{ data: { text: "a\n\nb\u2028" } }, { event: "x", data: { type: "x" } }];
    const read = parseServerSentEvents(written.map(formatStreamEvent).join("") + formatStreamEnd("chat"));
    expect(read).toEqual([
      message(JSON.stringify(written[0]?.data)),
      message('{"type":"x"}', "x"),
      message("[DONE]"),
    ]);
    expect(formatStreamEnd("responses") + formatStreamEnd("messages")).toBe("");
  });
});
