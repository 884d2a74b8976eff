import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { receiveRequests } from "./receive-requests.ts";

const body = '{"requests":[{"custom_id":"a","params":{}},{"custom_id":"b","params":{"n": 1}}]}';
const json = { "content-type": "application/json; charset=utf-8" };

function receive(chunks: readonly string[], headers: Record<string, string> = json, mostBytes = 1_000) {
  const raw = Readable.from(chunks.map((chunk) => Buffer.from(chunk))) as IncomingMessage;
  const received = receiveRequests({ headers, raw }, { mostBytes, mostRequestBytes: 100 });
  const gathered = async () => {
    const all: string[] = [];
    for await (const group of received.requests)
      for (const { customId, params } of group) all.push(`${customId} ${params.toString()}`);
    return all;
  };
  return { raw, received, gathered };
}

test("requests come with their ids and bytes, and the body's digest behind them", async () => {
  const { gathered, received } = receive([...body]);
  expect(await gathered()).toEqual(["a {}", 'b {"n": 1}']);
  expect(received.bodySha256()).toEqual(createHash("sha256").update(body).digest());
});

test("a fault names the request by its place in the whole body", async () => {
  const faulty = body.replace('"b"', '"b b"');
  for (const chunks of [[faulty], [...faulty]])
    await expect(receive(chunks).gathered()).rejects.toMatchObject({ param: "requests.1.custom_id" });
});

test("what is refused in its middle can be read on, so that the answer finds its client", async () => {
  const { gathered, raw } = receive(["{", '"x":', "1", "}"]);
  await expect(gathered()).rejects.toMatchObject({ code: "unknown_parameter" });
  expect(raw.destroyed).toBe(false);
});

test("a body that is too long is refused at its announcement, or as soon as it is", async () => {
  const tooLarge = { code: "payload_too_large" };
  expect(() => receive([], { ...json, "content-length": "1001" })).toThrow(expect.objectContaining(tooLarge));
  await expect(receive([body], json, body.length).gathered()).resolves.toHaveLength(2);
  await expect(receive([body], json, body.length - 1).gathered()).rejects.toMatchObject(tooLarge);
});

test.each([
  {},
  { "content-type": "text/plain" },
  { "content-type": "application/jsonl" },
  { ...json, "content-encoding": "gzip" },
])("a body with %j is none that is read", (headers) => {
  expect(() => receive([body], headers as Record<string, string>)).toThrow(
    expect.objectContaining({ code: "unsupported_media_type" }),
  );
});

test("a body that breaks off is the client's fault", async () => {
  const { gathered, raw } = receive(['{"requests":[']);
  const refused = expect(gathered()).rejects.toMatchObject({ code: "invalid_request" });
  raw.destroy(new Error("aborted"));
  await refused;
});
