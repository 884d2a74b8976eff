import { expect, test } from "vitest";
import { readResponseRequest, upstreamBytes } from "./response-request.ts";

const previous = "resp_01a1f9bb-75c5-7006-93a4-fd71de43e5c4";

test("what Sluice does itself is read, with OpenAI's defaults", () => {
  expect(readResponseRequest({})).toEqual({ background: false, store: true, previousId: undefined });
  expect(readResponseRequest({ background: null, store: false })).toMatchObject({ store: false });
  const asked = { background: true, previous_response_id: previous };
  expect(readResponseRequest(asked)).toEqual({ background: true, store: true, previousId: previous });
});

test.each([
  [{ background: true, store: false }, "store", "invalid_value"],
  [{ background: "yes" }, "background", "invalid_value"],
  [{ conversation: "conv_1" }, "conversation", "invalid_value"],
  [{ previous_response_id: "resp_of_another" }, "previous_response_id", "not_found"],
])("%o is refused with its field", (body, param, code) => {
  expect(() => readResponseRequest(body)).toThrow(expect.objectContaining({ param, code }));
});

test("the upstream gets the client's bytes without what it is not to do", () => {
  const bytes = Buffer.from(
    `{"model":"a","background":true,"store":true,"x":1.0,"previous_response_id":"${previous}"}`,
  );
  expect(upstreamBytes(bytes, { store: true }, ["item"]).toString()).toBe(
    '{"input":["item"],"model":"a","x":1.0}',
  );
  const plain = Buffer.from('{ "model":"a", "store":false }');
  expect(upstreamBytes(plain, { store: false }, undefined).toString()).toBe(plain.toString());
});
