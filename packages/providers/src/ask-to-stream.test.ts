import { expect, test } from "vitest";
import { askToStream } from "./ask-to-stream.ts";

const asked = (endpoint: string, body: string) => askToStream(endpoint, Buffer.from(body)).toString();
const chat = "/v1/chat/completions";

test.each([
  [
    '{"model":"a","stream":true,"n":10000000000000000001}',
    '{"stream_options":{"include_usage":true},"model":"a","stream":true,"n":10000000000000000001}',
  ],
  [
    ' {"stream":true,"stream_options":{"include_usage":false,"x":1}}',
    ' {"stream":true,"stream_options":{"include_usage":true,"x":1}}',
  ],
  ['{"stream":true,"stream_options":null}', '{"stream":true,"stream_options":{"include_usage":true}}'],
  ["{ }", '{"stream_options":{"include_usage":true},"stream":true }'],
])("asks a chat for its stream and usage: %s", (body, expected) => {
  expect(asked(chat, body)).toBe(expected);
});

test("asks other endpoints for nothing but the stream", () => {
  expect(asked("/v1/responses", '{"stream":false,"a":1}')).toBe('{"stream":true,"a":1}');
  expect(asked("/v1/messages", '{"a":"é"}')).toBe('{"stream":true,"a":"é"}');
});
