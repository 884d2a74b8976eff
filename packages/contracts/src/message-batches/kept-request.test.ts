import { SluiceError } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { keepRequest, readKeptRequest, readMessageBatchRequest } from "./kept-request.ts";

const params = '{"model":"auto","max_tokens":5,"messages":[{"role":"user","content":"x"}]}';

function faultOf(bytes: string | Buffer): { code: string; param: string | undefined } {
  try {
    readMessageBatchRequest(Buffer.from(bytes), 3);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { code: error.code, param: error.param };
  }
  throw new Error("the request was taken");
}

describe("a request of a body", () => {
  test("gives its params as they stand there", () => {
    const odd = '{ "n" : 10000000000000000001,\n\r\t"a":"\\u00e9\\n", "b":1,"b":2 }';
    const read = readMessageBatchRequest(Buffer.from(` { "params" : ${odd} , "custom_id":"a-B_9"} `), 0);
    expect(read.customId).toBe("a-B_9");
    expect(read.params.toString()).toBe(odd);
  });

  test.each([
    ['{"params":{}}', "missing_required_parameter", "requests.3.custom_id"],
    ['{"custom_id":"a b","params":{}}', "invalid_value", "requests.3.custom_id"],
    ['{"custom_id":"","params":{}}', "invalid_value", "requests.3.custom_id"],
    [`{"custom_id":"${"a".repeat(65)}","params":{}}`, "invalid_value", "requests.3.custom_id"],
    ['{"custom_id":7,"params":{}}', "invalid_value", "requests.3.custom_id"],
    ['{"custom_id":"a\\n","params":{}}', "invalid_value", "requests.3.custom_id"],
    ['{"custom_id":"a"}', "missing_required_parameter", "requests.3.params"],
    ['{"custom_id":"a","params":[]}', "invalid_value", "requests.3.params"],
    ['{"custom_id":"a","params":{},"url":"/v1"}', "unknown_parameter", "requests.3.url"],
    ['{"custom_id":"a","params":{"stream":true}}', "invalid_value", "requests.3.params.stream"],
    ['{"custom_id":"a","params":{"max_tokens":0}}', "invalid_value", "requests.3.params.max_tokens"],
    ['{"custom_id":"a","params":{"speed":"fast"}}', "invalid_value", "requests.3.params.speed"],
    ['{"custom_id":"a","params":{},"params":{}}', "duplicate_key", "requests.3.params"],
    ['{"custom_id":"a","custom_id":"a","params":{}}', "duplicate_key", "requests.3.custom_id"],
    ['{"custom_id":"a","params":{"model":"x","model":"y"}}', "duplicate_key", "requests.3.params.model"],
    ['{"custom_id":"a","params":{"n":01}}', "invalid_json", "requests.3"],
    ['{"custom_id":"a","params":{]}', "invalid_json", "requests.3"],
  ])("%j is refused naming the field", (text, code, param) => {
    expect(faultOf(text)).toEqual({ code, param });
  });

  test("must be UTF-8", () => {
    expect(faultOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])).code).toBe("invalid_json");
  });
});

describe("a kept request", () => {
  const kept = (text: string) =>
    readKeptRequest(keepRequest({ customId: "a", params: Buffer.from(text) }).subarray(0, -1));

  test("is one line, and comes back byte by byte", () => {
    const pretty = JSON.stringify(JSON.parse(params), undefined, 2).replaceAll("\n", "\r\n");
    const line = keepRequest({ customId: "a", params: Buffer.from(pretty) });
    expect(line.indexOf(0x0a)).toBe(line.length - 1);
    expect(readKeptRequest(line.subarray(0, -1))).toMatchObject({
      customId: "a",
      params: Buffer.from(pretty),
    });
  });

  test("says what it asks for", () => {
    expect(kept(params).read).toEqual({
      ok: true,
      request: { model: "auto", maxOutputTokens: 5, capabilities: [] },
    });
  });

  test.each([
    ['{"max_tokens":5,"messages":[{}]}', "model"],
    ['{"model":5,"max_tokens":5,"messages":[{}]}', "model"],
    ['{"model":"auto","messages":[{}]}', "max_tokens"],
    ['{"model":"auto","max_tokens":"5","messages":[{}]}', "max_tokens"],
    ['{"model":"auto","max_tokens":5}', "messages"],
    ['{"model":"auto","max_tokens":5,"messages":[]}', "messages"],
  ])("%j cannot run, for its %s", (text, param) => {
    expect(kept(text).read).toMatchObject({ ok: false, error: { param } });
  });
});
