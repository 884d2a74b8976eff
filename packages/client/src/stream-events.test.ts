import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { SluiceApiError, SluiceConnectionError } from "./errors.ts";
import { messagesOf } from "./event-stream.ts";
import { type Answer, refusal, reset, setup } from "./testing/scripted-server.ts";
import type { JobEvent } from "./types.ts";

const text = (id: number, status: string) =>
  `id: ${id}\nevent: job.${status}\ndata: {"object":"job.event","type":"job.${status}","job_id":"job_1","status":"${status}","at":"2026-11-28T12:00:00.000Z"}\n\n`;

const open = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" });
/** Writes these parts one by one, and then ends or breaks the connection. */
const stream =
  (parts: readonly string[], end: "end" | "break" | "stay" = "end"): Answer =>
  async (response) => {
    open(response);
    for (const part of parts) await new Promise((resolve) => response.write(part, resolve));
    if (end === "end") response.end();
    if (end === "break") response.socket?.destroy();
  };

async function collect(events: AsyncIterable<JobEvent>) {
  const seen: string[] = [];
  for await (const { id, status } of events) seen.push(`${id} ${status}`);
  return seen;
}

test("a stream over broken connections has every event once, and ends with the job's last", async () => {
  const { sluice, received } = await setup([
    stream(["retry: 1000\n\n: heartbeat\n\n", text(0, "queued"), text(2, "running").slice(0, 30)], "break"),
    reset,
    refusal(503, "ledger_unavailable"),
    stream([text(0, "queued"), text(2, "running")]),
    stream([text(3, "waiting"), text(4, "running"), text(5, "succeeded")], "stay"),
  ]);
  expect(await collect(sluice.jobs.stream("job_1"))).toEqual([
    "0 queued",
    "2 running",
    "3 waiting",
    "4 running",
    "5 succeeded",
  ]);
  expect(received.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "0", "0", "0", "2"]);
});

test("a stream that is asked for what comes after the last event has nothing", async () => {
  const { sluice, received } = await setup([(response) => void response.writeHead(204).end()]);
  expect(await collect(sluice.jobs.stream({ id: "job_1" }, { lastEventId: "5" }))).toEqual([]);
  expect(received).toMatchObject([{ path: "/v1/jobs/job_1/events", headers: { "last-event-id": "5" } }]);
});

test("a stream that only ever breaks waits longer and longer, and gives up after ten minutes", async () => {
  const { sluice, sleptMs } = await setup([stream([])]);
  await expect(collect(sluice.jobs.stream("job_1"))).rejects.toBeInstanceOf(SluiceConnectionError);
  expect(sleptMs.slice(0, 6)).toEqual([500, 1000, 2000, 4000, 8000, 8000]);
  const { sluice: other } = await setup([refusal(404, "not_found")]);
  await expect(collect(other.jobs.stream("job_1"))).rejects.toBeInstanceOf(SluiceApiError);
});

test("a connection that falls silent is given up for another", async () => {
  const { sluice, received, expire } = await setup([
    stream([text(0, "queued")], "stay"),
    stream([text(1, "succeeded")]),
  ]);
  const seen: string[] = [];
  for await (const { status } of sluice.jobs.stream("job_1")) {
    seen.push(status);
    if (status === "queued") expire();
  }
  expect(seen).toEqual(["queued", "succeeded"]);
  expect(received).toHaveLength(2);
});

test("heartbeats keep a stream in good health, however long its job waits", async () => {
  const hourMs = 3_600_000;
  const heard = Promise.withResolvers<void>();
  const { sluice, received, pass } = await setup([
    async (response) => {
      open(response).write(text(0, "queued"));
      await heard.promise;
      pass(hourMs);
      response.end(": heartbeat\n\n");
    },
    stream([text(1, "succeeded")]),
  ]);
  const seen: string[] = [];
  for await (const { status } of sluice.jobs.stream("job_1")) {
    seen.push(status);
    heard.resolve();
  }
  expect(seen).toEqual(["queued", "succeeded"]);
  expect(received).toHaveLength(2);
});

test("who stops reading closes the connection", async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const { sluice } = await setup([
    (response) => {
      response.once("close", resolve);
      open(response).write(text(0, "queued"));
    },
  ]);
  for await (const event of sluice.jobs.stream("job_1")) {
    expect(event).toMatchObject({ id: "0", type: "job.queued", job_id: "job_1" });
    break;
  }
  await closed;
});

test("messages are read wherever their bytes were cut, and one without its end is none", async () => {
  const bytes = Buffer.from("id: 1\r\ndata: ü\r\n\r\n: comment\n\ndata:a\ndata: b\nid\n\nid: 3\ndata: lost");
  const read = async (size: number) => {
    const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    const messages = [];
    for await (const message of messagesOf(parts)) messages.push(message);
    return messages;
  };
  for (let size = 1; size <= bytes.length; size += 1) {
    expect(await read(size)).toEqual([
      { id: "1", data: "ü" },
      { id: "", data: "a\nb" },
    ]);
  }
});
