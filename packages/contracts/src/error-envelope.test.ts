import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SluiceError } from "@sluice/domain";
import { expect, test } from "vitest";
import { anthropicErrorTypes, renderAnthropicError, renderError } from "./error-envelope.ts";

const error = new SluiceError("invalid_value", "'requests.3.custom_id' is wrong.", {
  param: "requests.3.custom_id",
});

test("an error in OpenAI's envelope has its type, field and code", () => {
  expect(renderError(error)).toEqual({
    error: {
      message: "'requests.3.custom_id' is wrong.",
      type: "invalid_request_error",
      param: "requests.3.custom_id",
      code: "invalid_value",
    },
  });
});

test("an error in Anthropic's envelope has the request's id, and our code where its clients read one", () => {
  expect(renderAnthropicError(error, "req_1")).toEqual({
    type: "error",
    error: {
      type: "invalid_request_error",
      message: "'requests.3.custom_id' is wrong.",
      details: { error_code: "invalid_value", param: "requests.3.custom_id" },
    },
    request_id: "req_1",
  });
});

test("docs/errors.md lists Anthropic's type of every status, and no other", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/errors.md"), "utf8");
  const section = page.split(/^## /m).find((text) => text.startsWith("Anthropic's envelope\n")) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  const listed = rows.slice(2).flatMap((row) => {
    const [statuses = "", type = ""] = row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", ""));
    return statuses.split(", ").map((status): [string, string] => [status, type]);
  });
  expect(Object.fromEntries(listed)).toEqual(anthropicErrorTypes);
  expect(listed).toHaveLength(Object.keys(anthropicErrorTypes).length);
});
