import { idFromUuid } from "@sluice/domain";
import { expect, test } from "vitest";
import { checkOpenaiValue } from "../../../../test/kit/check-openai.ts";
import { continuedItems, renderInputItems } from "./input-items.ts";

const id = idFromUuid("response", "01a1f9bb-75c5-7006-93a4-fd71de43e5c4");

const items = [
  { role: "user", content: "Hello" },
  { role: "developer", content: [{ type: "input_text", text: "Be brief." }] },
  {
    type: "message",
    role: "user",
    content: [{ type: "input_image", image_url: "data:image/png;base64,AA" }],
  },
  { role: "assistant", content: [{ type: "output_text", text: "Hi." }] },
  { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "xyz" },
  { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
  { type: "function_call_output", call_id: "c1", output: "1" },
];

test("every kind of input is listed as OpenAI describes its items, each with an id of its own", () => {
  const listed = renderInputItems(id, items);
  const page = { object: "list", data: listed, has_more: false, first_id: "a", last_id: "b" };
  checkOpenaiValue("ResponseItemList", page);
  expect(new Set(listed.map((item) => item["id"])).size).toBe(items.length);
  expect(renderInputItems(id, items)).toEqual(listed);
});

test("a text is one message of the user", () => {
  expect(renderInputItems(id, "Hello")).toMatchObject([
    { type: "message", role: "user", status: "completed", content: [{ type: "input_text", text: "Hello" }] },
  ]);
});

test("a request goes on with all that was said before; reasoning only where it can be read again", () => {
  const output = [
    { type: "reasoning", id: "rs_2", summary: [] },
    { type: "reasoning", id: "rs_3", summary: [], encrypted_content: "abc" },
    { type: "message", id: "msg_1", role: "assistant", content: [] },
  ];
  expect(continuedItems("First", output, [{ role: "user", content: "Second" }])).toEqual([
    { role: "user", content: "First" },
    output[1],
    output[2],
    { role: "user", content: "Second" },
  ]);
});
