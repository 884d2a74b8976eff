import { connect } from "node:net";
import { text } from "node:stream/consumers";
import Fastify from "fastify";
import { expect, test } from "vitest";
import { refuseConnection } from "./refuse-connection.ts";

test.each([
  ["what is no HTTP", "hello\r\n\r\n", 400],
  ["headers without end", `GET / HTTP/1.1\r\nx: ${"x".repeat(40_000)}`, 431],
])("%s is answered in the envelope of errors, with an id", async (_name, sent, status) => {
  const server = Fastify({
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, "req_1"),
  });
  await server.listen({ port: 0, host: "127.0.0.1" });
  const socket = connect((server.server.address() as { port: number }).port, "127.0.0.1");
  socket.write(sent);
  const [head = "", body = ""] = (await text(socket)).split("\r\n\r\n");
  await server.close();
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toContain("\r\nrequest-id: req_1");
  expect(head).toContain("\r\nx-request-id: req_1");
  expect(JSON.parse(body)).toMatchObject({
    error: { type: "invalid_request_error", code: "invalid_request" },
  });
});
