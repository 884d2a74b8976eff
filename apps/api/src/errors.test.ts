import { SluiceError } from "@sluice/domain";
import Fastify from "fastify";
import { expect, test } from "vitest";
import { createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { handleErrors, refuseUrl, sendError } from "./errors.ts";

async function headersOf(error: SluiceError) {
  const server = Fastify();
  server.get("/", (_request, reply) => sendError(reply, error));
  const { headers } = await server.inject("/");
  await server.close();
  return [headers["retry-after"], headers["x-should-retry"]];
}

test("a client is told when to come again, and not to where waiting for so long is pointless", async () => {
  const full = (retryAfterSeconds: number) => new SluiceError("queue_full", "Full.", { retryAfterSeconds });
  expect(await headersOf(full(60))).toEqual(["60", undefined]);
  expect(await headersOf(full(61))).toEqual(["61", "false"]);
  expect(await headersOf(new SluiceError("already_ended", "Ended."))).toEqual([undefined, "false"]);
  expect(await headersOf(new SluiceError("ledger_unavailable", "Away."))).toEqual(["2", undefined]);
});

async function bodyOf(request: { url: string; method?: "GET" | "POST"; headers?: Record<string, string> }) {
  const server = Fastify({ genReqId: () => "req_1", frameworkErrors: refuseUrl });
  handleErrors(server, createRecordingLogger());
  server.post("/v1/messages", async () => ({}));
  const answer = await server.inject(request);
  await server.close();
  return { status: answer.statusCode, body: answer.json(), id: answer.headers["request-id"] };
}

const anthropic404 = {
  type: "error",
  error: { type: "not_found_error", details: { error_code: "not_found", param: null } },
  request_id: "req_1",
};

test("paths under /v1/messages answer in Anthropic's envelope, also those that lead nowhere or cannot be read", async () => {
  for (const url of ["/v1/messages", "/v1/messages/", "/v1/messages?beta=true", "/v1/messages/no/such"])
    expect(await bodyOf({ url })).toMatchObject({ status: 404, body: anthropic404 });
  expect(await bodyOf({ url: "/v1/messages/%zz" })).toMatchObject({
    status: 404,
    body: anthropic404,
    id: "req_1",
  });
  expect(
    await bodyOf({ url: "/v1/messages", method: "POST", headers: { "content-type": "text/xml" } }),
  ).toMatchObject({
    status: 415,
    body: {
      error: { type: "invalid_request_error", details: { error_code: "unsupported_media_type" } },
    },
  });
});

test("other paths answer in OpenAI's envelope, but /v1/models follows who asks", async () => {
  for (const url of ["/v1/messagesque", "/v1/models", "/v1/jobs/messages"])
    expect((await bodyOf({ url })).body).toMatchObject({ error: { code: "not_found", param: null } });
  const headers = { "anthropic-version": "2023-06-01" };
  expect((await bodyOf({ url: "/v1/models/x", headers })).body).toMatchObject(anthropic404);
});
