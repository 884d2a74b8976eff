import { describe, expect, test } from "vitest";
import { readModelRequest } from "./model-request.ts";

const user = (content: unknown) => ({ model: "m", messages: [{ role: "user", content }] });

describe("readModelRequest", () => {
  test.each([
    [{}, "missing_required_parameter", "model"],
    [{ model: null }, "invalid_value", "model"],
    [{ model: "" }, "invalid_value", "model"],
    [{ model: 7 }, "invalid_value", "model"],
    [{ model: "m", stream: true }, "invalid_value", "stream"],
  ])("refuses %j", (body, code, param) => {
    expect(() => readModelRequest(body, "")).toThrow(expect.objectContaining({ code, param }));
    expect(() => readModelRequest(body, "body")).toThrow(
      expect.objectContaining({ code, param: `body.${param}` }),
    );
  });

  test.each([
    [{}, undefined],
    [{ max_tokens: 10 }, 10],
    [{ max_tokens: 1 }, 1],
    [{ max_output_tokens: 10.9 }, 10],
    [{ max_tokens: 5, max_completion_tokens: 7 }, 7],
    [{ max_tokens: null }, undefined],
    [{ max_tokens: 0 }, undefined],
    [{ max_tokens: 0.5 }, undefined],
    [{ max_tokens: -3 }, undefined],
    [{ max_tokens: "10" }, undefined],
    // Above what a column of four bytes holds: a row that cannot be written would be a 500.
    [{ max_tokens: 1e300 }, 2_147_483_647],
    [{ max_tokens: 2 ** 31 }, 2_147_483_647],
  ])("reads the most output tokens of %j", (fields, expected) => {
    expect(readModelRequest({ model: "m", ...fields }, "").maxOutputTokens).toBe(expected);
  });

  test.each([
    [{ model: "m" }, []],
    [{ model: "m", tools: [] }, []],
    [{ model: "m", tools: [{ type: "function" }] }, ["tools"]],
    [{ model: "m", response_format: { type: "json_schema" } }, ["json_schema"]],
    [{ model: "m", response_format: { type: "json_object" } }, []],
    [{ model: "m", text: { format: { type: "json_schema" } } }, ["json_schema"]],
    [{ model: "m", output_config: { format: { type: "json_schema" } } }, ["json_schema"]],
    [user("image_url"), []],
    [user([{ type: "text", text: "image_url" }]), []],
    [user([{ type: "image_url", image_url: {} }]), ["vision"]],
    [{ model: "m", input: [{ role: "user", content: [{ type: "input_image" }] }] }, ["vision"]],
    [user([{ type: "image", source: {} }]), ["vision"]],
    [user([{ type: "tool_result", content: [{ type: "image", source: {} }] }]), ["vision"]],
    [user([{ type: "tool_result", content: "image" }]), []],
    [
      { model: "m", input: [{ type: "function_call_output", output: [{ type: "input_image" }] }] },
      ["vision"],
    ],
    [{ model: "m", input: "input_image" }, []],
    [{ model: "m", messages: [null, 1, { content: [null] }], tools: {}, text: 1, response_format: [] }, []],
  ])("sees what %j needs of a target", (body, expected) => {
    expect(readModelRequest(body, "").capabilities).toEqual(expected);
  });
});
