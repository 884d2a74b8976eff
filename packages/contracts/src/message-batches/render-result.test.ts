import { type EndedLine, SluiceError } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { renderMessageResult, renderRefusal, renderUnrunResult } from "./render-result.ts";

const line: EndedLine = {
  jobId: "job_01890000-0000-7000-8000-000000000000",
  line: 1,
  customId: "a",
  state: "succeeded",
  result: undefined,
  failure: undefined,
};

const answered = (state: EndedLine["state"], statusCode: number): EndedLine => ({
  ...line,
  state,
  result: {
    statusCode,
    contentType: "application/json",
    body: { kind: "inline", bytes: Buffer.alloc(0) },
    upstreamRequestId: "req_up",
  },
});

function rendered(of: EndedLine, body?: string) {
  const text = renderMessageResult(of, body === undefined ? undefined : Buffer.from(body)).toString();
  expect(text.indexOf("\n")).toBe(text.length - 1);
  return { text, result: JSON.parse(text).result };
}

describe("a result", () => {
  test("has the message's bytes as they came, on one line", () => {
    const { text } = rendered(answered("succeeded", 200), '{"n":10000000000000000001,\n"n":1}');
    expect(text).toBe(
      '{"custom_id":"a","result":{"type":"succeeded","message":{"n":10000000000000000001, "n":1}}}\n',
    );
  });

  test("has the target's error as it is, with the id of its call", () => {
    const error = { type: "overloaded_error", message: "Busy.", more: 1 };
    const { result } = rendered(answered("failed", 400), JSON.stringify({ type: "error", error }));
    expect(result).toEqual({ type: "errored", error: { type: "error", error, request_id: "req_up" } });
    const named = rendered(
      answered("failed", 400),
      JSON.stringify({ type: "error", error, request_id: "req_1" }),
    );
    expect(named.result.error.request_id).toBe("req_1");
  });

  test.each([
    [400, '{"error":{"message":"Too long.","type":"x"}}', "invalid_request_error", "Too long."],
    [422, "<html>", "invalid_request_error", "The upstream answered 422."],
    [413, '{"error":"no"}', "request_too_large", "The upstream answered 413."],
    [418, "[]", "invalid_request_error", "The upstream answered 418."],
    [599, "", "api_error", "The upstream answered 599."],
  ])("of another API's %d has Anthropic's type for it", (status, body, type, message) => {
    const { result } = rendered(answered("failed", status), body);
    expect(result.error).toEqual({ type: "error", error: { type, message }, request_id: "req_up" });
  });

  test.each([
    ["attempts_exhausted", "api_error"],
    ["no_target", "invalid_request_error"],
  ] as const)("of a dead job says why: %s", (code, type) => {
    const { result } = rendered({ ...line, state: "dead", failure: { code, message: "Why." } });
    const error = { type, message: "Why.", details: { error_code: code } };
    expect(result).toEqual({ type: "errored", error: { type: "error", error, request_id: null } });
  });

  test("of what did not run says only that", () => {
    expect(rendered({ ...line, state: "cancelled" }).result).toEqual({ type: "canceled" });
    expect(rendered({ ...line, state: "expired" }).result).toEqual({ type: "expired" });
  });
});

test("a request of a batch that never came to run has ended as its batch did", () => {
  const result = (batch: Parameters<typeof renderUnrunResult>[0]) =>
    JSON.parse(renderUnrunResult(batch, "a").toString()).result;
  expect(result({ status: "cancelled", errors: [] })).toEqual({ type: "canceled" });
  const fault = { code: "token_limit_exceeded", line: undefined, message: "Too many.", param: undefined };
  expect(result({ status: "failed", errors: [fault] })).toMatchObject({
    type: "errored",
    error: { error: { type: "rate_limit_error", message: "Too many." } },
  });
  expect(result({ status: "failed", errors: [{ ...fault, code: "not_found" }] }).error.error.type).toBe(
    "api_error",
  );
});

test("a refusal stands in for the answer of an upstream, naming the field of the params", () => {
  const unknown = renderRefusal(new SluiceError("unknown_model", "No such.", { param: "body.model" }));
  expect([unknown.statusCode, JSON.parse(unknown.body.toString())]).toEqual([
    404,
    {
      type: "error",
      error: {
        type: "not_found_error",
        message: "No such.",
        details: { error_code: "not_found", param: "model" },
      },
      request_id: null,
    },
  ]);
  expect(renderRefusal(new SluiceError("unsupported_endpoint", "No.")).statusCode).toBe(400);
});
