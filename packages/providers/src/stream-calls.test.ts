import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock, EventSink, ModelCall, ServerSentEvent, Target } from "@sluice/domain";
import { describe, expect, onTestFinished, test } from "vitest";
import { createModelClient } from "./model-client.ts";

const target = { id: "t", provider: "up", model: "real", pool: "p", endpoints: [] } as unknown as Target;
const usage = '{"usage":{"prompt_tokens":3,"completion_tokens":4}}';

/** Takes events; the answer has begun with `a`, is over with `over` and broken by `bad`. */
function createSink(room: () => Promise<void> | undefined = () => undefined) {
  const events: ServerSentEvent[] = [];
  const sink: EventSink = {
    take(event) {
      events.push(event);
      if (event.data === "over") return { kind: "over", body: Buffer.from(usage) };
      if (event.data === "bad") return { kind: "broken", reason: "it carries an error" };
      return { kind: "more", began: event.data === "a" };
    },
    end: () => ({ kind: "broken", reason: "it ended early" }),
    room,
  };
  return { events, sink };
}

/** A clock whose timers are fired by hand. */
function createHandClock() {
  const timers = new Set<{ readonly delayMs: number; readonly fire: () => void }>();
  const clock: Clock = {
    now: Date.now,
    monotonicMs: () => performance.now(),
    setTimer(delayMs, fire) {
      const timer = { delayMs, fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  return { clock, timers };
}

async function setup(
  answer: (response: ServerResponse) => void,
  { sink, clock = createHandClock().clock }: { sink: EventSink; clock?: Clock },
) {
  const server = createServer((request, response) => request.resume().on("end", () => answer(response)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const client = createModelClient({ providers: () => ({ up: { kind: "openai", baseUrl } }), clock });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    void client.close();
  });
  const call: ModelCall = {
    target,
    endpoint: "/v1/chat/completions",
    body: Buffer.from('{"model":"auto","stream":true}'),
    jobId: "job_1",
    epoch: 1,
    traceparent: undefined,
    signal: new AbortController().signal,
    timeoutMs: 50_000,
    stream: sink,
  };
  return client.call(call);
}

const begin = (response: ServerResponse) =>
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });

describe("a streamed call", () => {
  test("gives its events on and succeeds with what they came to, though the upstream never closes", async () => {
    const { events, sink } = createSink();
    const outcome = await setup(
      (response) => {
        begin(response).write(": hi\n\nevent: x\ndata: a\n\ndata: b\n");
        response.write("\ndata: over\n\n");
      },
      { sink },
    );
    expect(outcome).toMatchObject({
      kind: "succeeded",
      usage: { inputTokens: 3, outputTokens: 4 },
      answer: { contentType: "application/json", body: Buffer.from(usage) },
    });
    expect(events.map(({ data }) => data)).toEqual(["a", "b", "over"]);
    expect(outcome.firstTokenMs).toBeLessThanOrEqual(outcome.latencyMs);
  });

  test("takes a plain answer for what it is", async () => {
    const { events, sink } = createSink();
    const outcome = await setup(
      (response) => response.setHeader("content-type", "application/json").end(usage),
      { sink },
    );
    expect(outcome).toMatchObject({ kind: "succeeded", answer: { body: Buffer.from(usage) } });
    expect(outcome.firstTokenMs).toBeUndefined();
    expect(events).toEqual([]);
  });

  test("takes a stream under a status of failure for that failure", async () => {
    const { events, sink } = createSink();
    const outcome = await setup(
      (response) => response.writeHead(503, { "content-type": "text/event-stream" }).end("data: a\n\n"),
      { sink },
    );
    expect(outcome).toMatchObject({ kind: "overloaded", statusCode: 503 });
    expect(events).toEqual([]);
  });

  test.each<[string, (response: ServerResponse) => void, object]>([
    [
      "a reset in the middle",
      (response) => begin(response).write("data: a\n\n", () => response.socket?.resetAndDestroy()),
      { kind: "unreachable" },
    ],
    [
      "an end before it is complete",
      (response) => begin(response).end("data: a\n\n"),
      { reason: "it ended early" },
    ],
    [
      "an event that breaks it",
      (response) => begin(response).write("data: bad\n\n"),
      { reason: "it carries an error" },
    ],
    [
      "bytes that are not UTF-8",
      (response) => begin(response).write(Buffer.from("data: \xff\n\n", "latin1")),
      { reason: "it is not UTF-8" },
    ],
  ])("that meets %s is no success", async (_, answer, expected) => {
    const outcome = await setup(answer, { sink: createSink().sink });
    expect(outcome).toMatchObject(expected);
    expect(["malformed", "unreachable"]).toContain(outcome.kind);
  });

  test("times out when the upstream falls silent, counted from its last byte", async () => {
    const { clock, timers } = createHandClock();
    const { sink } = createSink();
    const taken = new Promise<void>((resolve) => {
      const { take } = sink;
      Object.assign(sink, {
        take: (event: ServerSentEvent) => {
          setImmediate(resolve);
          return take(event);
        },
      });
    });
    const outcome = setup((response) => begin(response).write("data: a\n\n"), { sink, clock });
    await taken;
    const [call, silence] = [...timers];
    expect([call?.delayMs, silence?.delayMs]).toEqual([50_000, 60_000]);
    silence?.fire();
    expect(await outcome).toMatchObject({ kind: "timed-out", phase: "body" });
    expect(timers.size).toBe(0);
  });

  test("reads no further while its events have no room", async () => {
    const release = Promise.withResolvers<void>();
    let isFull = true;
    const { events, sink } = createSink(() => (isFull ? release.promise : undefined));
    const piece = `data: ${"x".repeat(65_528)}\n\n`;
    const blocked = Promise.withResolvers<void>();
    const outcome = setup(
      (response) => {
        begin(response);
        // Fills what the connection holds, then knows that nobody reads.
        const fill = (): void => {
          while (response.write(piece));
          const timer = setTimeout(blocked.resolve, 200);
          response.once("drain", () => {
            clearTimeout(timer);
            if (isFull) fill();
          });
        };
        fill();
        void release.promise.then(() => response.end("data: over\n\n"));
      },
      { sink },
    );
    await blocked.promise;
    const before = events.length;
    expect(before).toBeLessThan(200);
    isFull = false;
    release.resolve();
    expect(await outcome).toMatchObject({ kind: "succeeded" });
    expect(events.length).toBeGreaterThan(before);
  });
});
