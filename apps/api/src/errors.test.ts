import { SluiceError } from "@sluice/domain";
import Fastify from "fastify";
import { expect, test } from "vitest";
import { sendError } from "./errors.ts";

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
