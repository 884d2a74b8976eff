import { anything, assert, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonTestSuite } from "../../../test/kit/json-test-suite.ts";
import { bodyBytes, readBatchLine } from "./batch-line.ts";

const endpoint = "/v1/chat/completions";
const body = { model: "auto", messages: [{ role: "user", content: "hi" }] };
const line = { custom_id: "a", method: "POST", url: endpoint, body };

const read = (text: string | Buffer) => readBatchLine(Buffer.from(text), endpoint);

/** A line whose `body` is this text. */
const around = (text: string) => `{"custom_id":"a","method":"POST","url":"${endpoint}","body":${text}}`;

function errorOf(text: string | Buffer) {
  const answer = read(text);
  if (answer.ok) throw new Error("the line was taken");
  return answer.error;
}

describe("readBatchLine", () => {
  test("reads a valid line", () => {
    const answer = read(JSON.stringify(line));
    expect(answer).toMatchObject({
      ok: true,
      line: { customId: "a", parsedBody: body, request: { model: "auto" } },
    });
    expect(answer.ok && answer.line.body.toString()).toBe(JSON.stringify(body));
  });

  test.each([
    ["broken JSON", `${JSON.stringify(line)},`, "invalid_json", undefined],
    ["half a line", JSON.stringify(line).slice(0, 40), "invalid_json", undefined],
    ["an empty line", "", "invalid_json", undefined],
    ["a list", "[]", "invalid_json", undefined],
    ["a string", '"x"', "invalid_json", undefined],
    ["null", "null", "invalid_json", undefined],
    ["what is not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "invalid_json", undefined],
    ["endless nesting", around("[".repeat(5_000) + "]".repeat(5_000)), "invalid_json", undefined],
    ["no custom_id", { ...line, custom_id: undefined }, "missing_required_parameter", "custom_id"],
    ["an empty custom_id", { ...line, custom_id: "" }, "invalid_value", "custom_id"],
    ["a number for custom_id", { ...line, custom_id: 7 }, "invalid_value", "custom_id"],
    ["a long custom_id", { ...line, custom_id: "x".repeat(513) }, "invalid_value", "custom_id"],
    ["NUL in custom_id", { ...line, custom_id: "a\0b" }, "invalid_value", "custom_id"],
    ["half a pair in custom_id", { ...line, custom_id: "\udc00" }, "invalid_value", "custom_id"],
    ["no method", { ...line, method: undefined }, "missing_required_parameter", "method"],
    ["another method", { ...line, method: "GET" }, "invalid_value", "method"],
    ["no url", { ...line, url: undefined }, "missing_required_parameter", "url"],
    ["another url", { ...line, url: "/v1/embeddings" }, "invalid_value", "url"],
    ["no body", { ...line, body: undefined }, "missing_required_parameter", "body"],
    ["null for a body", { ...line, body: null }, "invalid_value", "body"],
    ["text for a body", { ...line, body: "x" }, "invalid_value", "body"],
    ["a list for a body", { ...line, body: [] }, "invalid_value", "body"],
    ["no model", { ...line, body: {} }, "missing_required_parameter", "body.model"],
    ["an empty model", { ...line, body: { model: "" } }, "invalid_value", "body.model"],
    ["a stream", { ...line, body: { ...body, stream: true } }, "invalid_value", "body.stream"],
    ["two bodies", around('{"model":"a"},"body":{"model":"b"}'), "duplicate_key", "body"],
    ["two bodies, one escaped", around('{"model":"a"},"bod\\u0079":{"model":"b"}'), "duplicate_key", "body"],
    ["two models", around('{"model":"a","x":1,"model":"b"}'), "duplicate_key", "body.model"],
    ["two equal models", around('{"model":"a","\\u006dodel":"a"}'), "duplicate_key", "body.model"],
  ])("refuses %s", (_, input, code, param) => {
    const text = typeof input === "string" || Buffer.isBuffer(input) ? input : JSON.stringify(input);
    expect(errorOf(text)).toMatchObject({ code, param });
  });

  test("takes a model that stands twice only below the top of the body", () => {
    expect(read(around('{"model":"a","x":{"model":1,"model":2}}')).ok).toBe(true);
  });

  test.each([
    '{"model":"auto","seed":12345678901234567890,"n":1.0,"x":1e400,"y":-0}',
    '{"model":"auto","messages":[{"role":"user","content":"\\u0000 \\ud800"}]}',
    '{"x":1,"model":"auto","x":2,"__proto__":{"a":1}}',
    '{ "model"\t:  "auto" ,"é":"\u{1f600}\\/" }',
  ])("keeps every byte of the body %s", (text) => {
    const spaced = `\u{feff} {"method":"POST", "body" : ${text}\t, "custom_id":"\\u00e9","url":"${endpoint}"} \r`;
    for (const whole of [around(text), spaced]) {
      const answer = read(whole);
      expect(answer.ok && answer.line.body.toString()).toBe(text);
    }
  });

  test("repeats nothing of the line in its message", () => {
    const secret = "SECRET-PROMPT";
    const lines = [
      `{"custom_id":"${secret}`,
      `${secret}`,
      around(`"${secret}"`),
      around(`{"model":"auto","messages":"${secret}"`),
      around(`{"model":"${secret}","model":"${secret}"}`),
      JSON.stringify({ ...line, method: secret }),
      JSON.stringify({ ...line, url: secret }),
      JSON.stringify({ ...line, custom_id: [secret] }),
    ];
    for (const text of lines) expect(JSON.stringify(errorOf(text))).not.toContain("SECRET");
  });

  test("throws for no line at all", () => {
    assert(
      property(anything(), uint8Array({ maxLength: 40 }), (value, bytes) => {
        for (const text of [
          JSON.stringify(value) ?? "",
          Buffer.from(bytes),
          around(JSON.stringify(value) ?? ""),
        ]) {
          expect(typeof read(text).ok).toBe("boolean");
        }
      }),
    );
  });

  test("answers every case of the JSON test suite, alone and as a body", () => {
    const cases = jsonTestSuite();
    expect(cases).toHaveLength(318);
    for (const { name, bytes } of cases) {
      expect(read(bytes).ok).toBe(false);
      expect(read(Buffer.concat([Buffer.from(around("").slice(0, -1)), bytes, Buffer.from("}")])).ok).toBe(
        false,
      );
      const inBody = [Buffer.from(around('{"model":"auto","it":').slice(0, -1)), bytes, Buffer.from("}}")];
      const answer = read(Buffer.concat(inBody));
      if (name.startsWith("y_")) expect(answer).toMatchObject({ ok: true });
      if (name.startsWith("n_")) expect(answer, name).toMatchObject({ ok: false });
    }
  });
});

test("bodyBytes gives a view of the very bytes", () => {
  const bytes = Buffer.from(' {"body": {"model":"a"} }');
  expect(bodyBytes(bytes).toString()).toBe('{"model":"a"}');
  expect(bodyBytes(bytes).buffer).toBe(bytes.buffer);
  expect(() => bodyBytes(Buffer.from("{}"))).toThrow(expect.objectContaining({ param: "body" }));
});
