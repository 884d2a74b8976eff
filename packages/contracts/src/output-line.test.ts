import { type EndedLine, idFromUuid, type JobResult } from "@sluice/domain";
import { assert, constantFrom, jsonValue, option, property, string, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { carriedLineBytes, failureLineBytes, jsonBody, lineBytes, renderLine } from "./output-line.ts";

const jobId = idFromUuid("job", "0198f3a0-0000-7000-8000-000000000000");
const json = "application/json";
const failure = { code: "attempts_exhausted", message: "All attempts failed." };

function resultOf(body: Buffer, contentType = json, upstreamRequestId?: string): JobResult {
  return { statusCode: 200, contentType, upstreamRequestId, body: { kind: "inline", bytes: body } };
}

function ended(result: JobResult | undefined, customId = "a"): EndedLine {
  return { jobId, line: 1, customId, state: "succeeded", result, failure: undefined };
}

interface ParsedLine {
  readonly id: string;
  readonly custom_id: string;
  readonly response: {
    readonly status_code: number;
    readonly request_id: string;
    readonly body: unknown;
  } | null;
  readonly error: unknown;
}

/** A rendered line as a client reads it; fails unless it is one line of JSON. */
function parsed(line: Buffer): ParsedLine {
  expect(line.indexOf("\n")).toBe(line.length - 1);
  return JSON.parse(line.toString("utf8")) as ParsedLine;
}

describe("renderLine", () => {
  test("has OpenAI's shape, with the body's bytes as received", () => {
    const body = Buffer.from('{"id":"x","big":12345678901234567890,"a":1,"a":2}');
    const line = renderLine(ended(resultOf(body, json, "req-1")), body);
    expect(line.toString()).toBe(
      `{"id":"batch_req_0198f3a0-0000-7000-8000-000000000000","custom_id":"a","response":{"status_code":200,` +
        `"request_id":"req-1","body":${body.toString()}},"error":null}\n`,
    );
  });

  test("names the job where the upstream named no request", () => {
    const body = Buffer.from("{}");
    expect(parsed(renderLine(ended(resultOf(body)), body)).response?.request_id).toBe(jobId);
  });

  test("says of a result that is taken over whose it is, and its length can be told without the result", () => {
    const body = Buffer.from('{"text":"é"}');
    for (const customId of ["a", 'quote " and \u2028 and é']) {
      const line = { ...ended(resultOf(body, json, "req-1"), customId), carriedFrom: jobId };
      const rendered = renderLine(line, body);
      expect(parsed(rendered)).toMatchObject({
        carried_from: jobId,
        error: null,
        response: { body: { text: "é" } },
      });
      expect(carriedLineBytes(line, body.length)).toBe(rendered.length);
    }
    expect(parsed(renderLine(ended(resultOf(body)), body))).not.toHaveProperty("carried_from");
  });

  test("of a job without a result has no response, but its failure", () => {
    const line = parsed(renderLine({ ...ended(undefined), state: "dead", failure }, undefined));
    expect(line).toMatchObject({ response: null, error: failure });
  });

  test("is one line of JSON with the very body and custom_id, as long as lineBytes says", () => {
    const space = constantFrom(0, 2, "\t");
    const customId = string({ unit: "binary", minLength: 1 });
    assert(
      property(jsonValue(), customId, space, option(string()), (value, id, indent, requestId) => {
        const text = JSON.stringify(value, null, indent).replaceAll("\n", "\r\n");
        const body = Buffer.from(text);
        const line = ended(resultOf(body, json, requestId ?? undefined), id);
        const rendered = renderLine(line, body);
        expect(lineBytes(line, body)).toBe(rendered.length);
        expect(parsed(rendered)).toMatchObject({ custom_id: id });
        expect(parsed(rendered).response?.body).toEqual(JSON.parse(text));
      }),
    );
  });

  test("is one line of JSON whatever bytes an upstream calls JSON", () => {
    assert(
      property(
        uint8Array(),
        constantFrom(json, "text/html", "application/problem+json", ""),
        (bytes, type) => {
          const body = Buffer.from(bytes);
          const rendered = renderLine(ended(resultOf(body, type)), body);
          parsed(rendered);
          expect(lineBytes(ended(resultOf(body, type)), body)).toBe(rendered.length);
        },
      ),
    );
  });

  test("of a failure is as long as failureLineBytes says", () => {
    assert(
      property(string({ unit: "binary" }), string({ unit: "binary" }), (customId, message) => {
        const line = { ...ended(undefined, customId), failure: { code: "job_expired", message } };
        const length = failureLineBytes({
          batchId: "batch_1",
          line: 1,
          customId,
          jobId,
          failure: line.failure,
        });
        expect(length).toBe(renderLine({ ...line, state: "expired" }, undefined).length);
      }),
    );
  });
});

describe("jsonBody", () => {
  const bodyOf = (contentType: string, body: string | Buffer) =>
    jsonBody({ contentType }, Buffer.from(body)).toString("utf8");

  test("makes one line of pretty-printed JSON without changing its length", () => {
    const pretty = '{\r\n  "a": "x\\ny"\n}\n';
    expect(bodyOf(json, pretty)).toBe('{    "a": "x\\ny" } ');
    expect(bodyOf(json, pretty)).toHaveLength(pretty.length);
  });

  test("leaves the buffer it was given alone", () => {
    const body = Buffer.from("{\n}");
    jsonBody({ contentType: json }, body);
    expect(body.toString()).toBe("{\n}");
  });

  test.each([json, "application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json"])(
    "takes %s for JSON",
    (type) => {
      expect(bodyOf(type, "[1]")).toBe("[1]");
    },
  );

  test.each(["text/plain", "text/html; charset=utf-8", "application/x-ndjson", "application/jsonl", ""])(
    "makes a string of %j",
    (type) => {
      expect(bodyOf(type, '{"a":1}\n')).toBe('"{\\"a\\":1}\\n"');
    },
  );

  test.each(["", "   ", "{", '{"a":1}{"a":2}', "<html>", "\u{feff}{}"])(
    "makes a string of %j called JSON",
    (body) => {
      expect(JSON.parse(bodyOf(json, body))).toBe(body);
    },
  );

  test("replaces what is not UTF-8", () => {
    const body = Buffer.from([0x22, 0xff, 0x22]);
    expect(JSON.parse(bodyOf(json, body))).toBe('"\ufffd"');
    expect(JSON.parse(bodyOf("text/plain", body))).toBe('"\ufffd"');
  });
});

test("a failed line is longer by its custom_id as JSON and by nothing else, as the ledger counts on", () => {
  const of = (customId: string) =>
    failureLineBytes({ jobId, batchId: "batch_1", line: 1, customId, failure });
  for (const customId of ["a", 'quote " and \\', "é💡", "\u0001\u007f\u2028\n", "x".repeat(512)])
    expect(of(customId) - of("")).toBe(Buffer.byteLength(JSON.stringify(customId)) - 2);
});
