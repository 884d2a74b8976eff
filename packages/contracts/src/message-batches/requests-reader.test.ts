import { SluiceError } from "@sluice/domain";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonTestSuite } from "../../../../test/kit/json-test-suite.ts";
import { readMessageBatchRequest } from "./kept-request.ts";
import { createRequestsReader } from "./requests-reader.ts";

const mostRequestBytes = 10_000;

/** What is found in a body that comes in chunks of this many bytes, with the most that was held at a time. */
function read(body: string | Buffer, chunkBytes = 1_000_000, most = mostRequestBytes) {
  const bytes = Buffer.from(body);
  const reader = createRequestsReader(most);
  const found: string[] = [];
  let mostHeld = 0;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    for (const request of reader.push(bytes.subarray(at, at + chunkBytes)))
      found.push(request.toString("latin1"));
    mostHeld = Math.max(mostHeld, reader.heldBytes());
  }
  reader.end();
  return { found: found.map((text) => Buffer.from(text, "latin1").toString("utf8")), mostHeld };
}

function faultOf(body: string | Buffer, chunkBytes?: number): { code: string; param: string | undefined } {
  try {
    read(body, chunkBytes);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { code: error.code, param: error.param };
  }
  throw new Error("the body was taken");
}

const tricky = [
  '{"custom_id":"a","params":{"text":"}]\\"\\\\","more":[{},[1,"é€😀"]]}}',
  "{}",
  '{ "x" :\n [ true , null ] }',
];

describe("a body", () => {
  test("is taken apart at every chunk boundary into the bytes of its requests", () => {
    const body = `\uFEFF \n{ "requests" :\t[ ${tricky.join(" ,\r\n")} ] } \n`;
    const { length } = Buffer.from(body);
    for (let chunkBytes = 1; chunkBytes <= length; chunkBytes++)
      expect(read(body, chunkBytes).found).toEqual(tricky);
  });

  test("of any requests, written in any way, gives them back", () => {
    const requests = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 40 }), fc.nat(4), (values, chunkBytes, indent) => {
        const texts = values.map((value) => JSON.stringify(value, undefined, indent));
        expect(read(`{"requests":[${texts.join(",")}]}`, chunkBytes).found).toEqual(texts);
      }),
    );
  });

  test("may name its key with escapes", () => {
    expect(read('{"\\u0072equests":[{}]}', 1).found).toEqual(["{}"]);
  });

  test("of any size is never held beyond one request", () => {
    const request = `{"custom_id":"a","params":{"text":"${"x".repeat(5_000)}"}}`;
    const body = `{"requests":[${Array(2_000).fill(request).join(",")}]}`;
    const { found, mostHeld } = read(body, 64 * 1024);
    expect(found).toHaveLength(2_000);
    expect(mostHeld).toBeLessThanOrEqual(request.length);
  });
});

describe("what does not belong", () => {
  test.each([
    ["", "invalid_json", undefined],
    ["   ", "invalid_json", undefined],
    ["[]", "invalid_json", undefined],
    ["null", "invalid_json", undefined],
    ["{}", "missing_required_parameter", "requests"],
    ['{"requests":{}}', "invalid_value", "requests"],
    ['{"requests":null}', "invalid_value", "requests"],
    ['{"requests":[]}', "invalid_value", "requests"],
    ['{"requests":[1]}', "invalid_value", "requests.0"],
    ['{"requests":[{},[]]}', "invalid_value", "requests.1"],
    ['{"requests":[{},]}', "invalid_value", "requests.1"],
    ['{"requests":[{}{}]}', "invalid_json", undefined],
    ['{"requests":[{}],}', "invalid_json", undefined],
    ['{"requests":[{}]', "invalid_json", undefined],
    ['{"requests":[{"a":"', "invalid_json", undefined],
    ['{"requests":[{}]}}', "invalid_json", undefined],
    ['{"requests":[{}]} x', "invalid_json", undefined],
    ['{"requests" [{}]}', "invalid_json", undefined],
    ["{requests:[{}]}", "invalid_json", undefined],
    ['{"model":"x","requests":[{}]}', "unknown_parameter", "model"],
    ['{"requests":[{}],"__proto__":{}}', "unknown_parameter", "__proto__"],
    ['{"requests":[{}],"requests":[{}]}', "duplicate_key", "requests"],
  ])("%j is refused wherever it is cut", (body, code, param) => {
    for (const chunkBytes of [1, 2, 3, 7, 1_000]) expect(faultOf(body, chunkBytes)).toEqual({ code, param });
  });

  test("is named by at most 64 characters of its key, of which no more are kept", () => {
    const reader = createRequestsReader(mostRequestBytes);
    reader.push(Buffer.from('{"'));
    for (let pushed = 0; pushed < 1_000; pushed++) reader.push(Buffer.from("k".repeat(100)));
    expect(reader.heldBytes()).toBeLessThan(200);
    expect(() => reader.push(Buffer.from('"'))).toThrow(`'${"k".repeat(64)}'`);
  });

  test("is a request that is too large, before it has come whole", () => {
    const reader = createRequestsReader(mostRequestBytes);
    reader.push(Buffer.from('{"requests":[{},{"a":"'));
    expect(() => {
      for (let pushed = 0; pushed < 200; pushed++) reader.push(Buffer.alloc(100, "x"));
    }).toThrow(expect.objectContaining({ code: "payload_too_large", param: "requests.1" }));
    expect(reader.heldBytes()).toBeLessThan(mostRequestBytes + 200);
  });

  test("is a request that nests deeper than any body may", () => {
    expect(faultOf(`{"requests":[{"a":${"[".repeat(100_000)}`).code).toBe("invalid_json");
  });
});

describe("a case of the JSON test suite as params", () => {
  const around = (params: Buffer) =>
    Buffer.concat([Buffer.from('{"requests":[{"custom_id":"a","params":'), params, Buffer.from("}]}")]);

  /** The params as they are taken, or the error. */
  function take(params: Buffer, chunkBytes: number): Buffer | SluiceError {
    const body = around(params);
    const reader = createRequestsReader(1_000_000);
    try {
      const found: Buffer[] = [];
      for (let at = 0; at < body.length; at += chunkBytes)
        found.push(...reader.push(body.subarray(at, at + chunkBytes)));
      reader.end();
      return found.map((bytes, index) => readMessageBatchRequest(bytes, index).params)[0] ?? Buffer.alloc(0);
    } catch (error) {
      if (error instanceof SluiceError) return error;
      throw error;
    }
  }

  const isObject = (bytes: Buffer) => /^\s*\{/.test(bytes.toString("latin1"));

  test.each([1, 13, 1_000_000])("is taken with its bytes or refused, in chunks of %d", (chunkBytes) => {
    let [taken, refused] = [0, 0];
    for (const { name, bytes } of jsonTestSuite()) {
      const result = take(bytes, chunkBytes);
      const mustParse = name.startsWith("y_") && isObject(bytes);
      if (mustParse) expect(Buffer.isBuffer(result) && result.toString(), name).toBe(bytes.toString().trim());
      else if (!name.startsWith("i_")) expect(result, name).toBeInstanceOf(SluiceError);
      if (result instanceof SluiceError) refused += 1;
      else taken += 1;
    }
    expect([taken > 10, refused > 250]).toEqual([true, true]);
  });
});
