import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Clock, ModelCall, Target } from "@sluice/domain";
import { afterEach, describe, expect, test } from "vitest";
import { createModelClient, type ModelClientOptions, type Providers } from "./index.ts";

const clock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  },
};

const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const target: Target = {
  id: "t",
  pool: "p",
  provider: "up",
  model: "real-model",
  weight: 1,
  limits: {},
  price: { input: 0, cachedInput: 0, output: 0 },
  contextWindow: 1,
  maxOutputTokens: 1,
  endpoints: [],
  capabilities: [],
  tags: [],
};

function setup(providers: Providers, options: Partial<ModelClientOptions> = {}) {
  const client = createModelClient({ providers: () => providers, clock, ...options });
  closers.push(() => client.close());
  return (changes: Partial<ModelCall> = {}) =>
    client.call({
      target,
      endpoint: "/v1/chat/completions",
      body: Buffer.from('{"model":"auto","big":12345678901234567890}'),
      jobId: "job_1",
      epoch: 2,
      traceparent: "00-00000000000000000000000000000001-0000000000000001-01",
      signal: new AbortController().signal,
      timeoutMs: 60_000,
      ...changes,
    });
}

const openai = (origin: string): Providers => ({
  up: { kind: "openai", baseUrl: `${origin}/v1`, apiKey: "sk-secret" },
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** An upstream that answers 200 `{}` and keeps what it was asked. */
async function recordingUpstream() {
  const seen: { url: string | undefined; headers: IncomingMessage["headers"]; body: string }[] = [];
  const origin = await listen(
    createServer((request, response) => {
      void bodyOf(request).then((body) => {
        seen.push({ url: request.url, headers: request.headers, body });
        response
          .setHeader("content-type", "application/json")
          .end('{"usage":{"prompt_tokens":3,"completion_tokens":4}}');
      });
    }),
  );
  return { origin, seen };
}

/** An upstream that speaks raw bytes after the first that it receives. */
function rawUpstream(speak: (socket: Socket) => void): Promise<string> {
  return listen(
    createTcpServer((socket) => socket.on("error", () => undefined).once("data", () => speak(socket))),
  );
}

const httpUpstream = (listener: RequestListener) => listen(createServer(listener));

describe("createModelClient", () => {
  test("sends the client's bytes with only the model replaced, our ids, and the key", async () => {
    const { origin, seen } = await recordingUpstream();
    const outcome = await setup(openai(origin))();
    expect(outcome).toMatchObject({ kind: "succeeded", usage: { inputTokens: 3, outputTokens: 4 } });
    expect(outcome.sentAfterMs).toBeGreaterThanOrEqual(0);
    expect(seen).toMatchObject([
      {
        url: "/v1/chat/completions",
        body: '{"model":"real-model","big":12345678901234567890}',
        headers: {
          authorization: "Bearer sk-secret",
          "content-type": "application/json",
          "x-request-id": "job_1.2",
          "x-sluice-job-id": "job_1",
          "x-sluice-attempt": "2",
          "idempotency-key": "job_1",
          traceparent: "00-00000000000000000000000000000001-0000000000000001-01",
        },
      },
    ]);
  });

  test("finds the endpoint below every kind of base URL", async () => {
    const { origin, seen } = await recordingUpstream();
    for (const [settings, simulators] of [
      [{ kind: "openai", baseUrl: `${origin}/openai/v1/` }, {}],
      [{ kind: "openai", baseUrl: `${origin}/v1beta/openai` }, {}],
      [{ kind: "simulator" }, { up: origin }],
      [{ kind: "simulator" }, { up: `${origin}/v1` }],
      [{ kind: "anthropic", baseUrl: origin, apiKey: "k" }, {}],
    ] as const) {
      await setup({ up: settings }, { simulators })();
    }
    expect(seen.map(({ url }) => url)).toEqual([
      "/openai/v1/chat/completions",
      "/v1beta/openai/chat/completions",
      "/v1/chat/completions",
      "/v1/chat/completions",
      "/v1/chat/completions",
    ]);
    expect(seen.at(-1)?.headers).toMatchObject({ "x-api-key": "k", "anthropic-version": "2023-06-01" });
    expect(seen.at(-1)?.headers).not.toHaveProperty("authorization");
  });

  test("reads the providers anew for each call", async () => {
    const { origin } = await recordingUpstream();
    const providers: Record<string, Providers[string]> = {};
    const call = setup(providers);
    expect(await call()).toMatchObject({ kind: "unreachable" });
    Object.assign(providers, openai(origin));
    expect(await call()).toMatchObject({ kind: "succeeded" });
  });

  test("is unreachable, and never sent, when nothing listens", async () => {
    const gone = createTcpServer();
    gone.listen(0, "127.0.0.1");
    await once(gone, "listening");
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, "close");
    const outcome = await setup(openai(`http://127.0.0.1:${port}`))();
    expect(outcome).toMatchObject({ kind: "unreachable", reason: "ECONNREFUSED" });
    expect(outcome.sentAfterMs).toBeUndefined();
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ["a reset before any answer", (socket) => socket.resetAndDestroy(), "unreachable"],
    [
      "a reset inside the body",
      (socket) =>
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", () => socket.resetAndDestroy()),
      "unreachable",
    ],
    [
      "an end before the promised length",
      (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"),
      "unreachable",
    ],
    [
      "a body that just ends",
      (socket) => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"a":'),
      "malformed",
    ],
    ["something that is not HTTP", (socket) => socket.end("hello\r\n\r\n"), "malformed"],
  ])("takes %s for what it is", async (_, speak, kind) => {
    const outcome = await setup(openai(await rawUpstream(speak)))();
    expect(outcome).toMatchObject({ kind, reason: expect.any(String) });
    expect(outcome.sentAfterMs).toBeGreaterThanOrEqual(0);
  });

  test("times out waiting for headers", async () => {
    const outcome = await setup(openai(await httpUpstream(() => undefined)))({ timeoutMs: 50 });
    expect(outcome).toMatchObject({ kind: "timed-out", phase: "headers" });
  });

  test("times out on a body that drips for ever", async () => {
    const origin = await httpUpstream((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 5);
      response.on("close", () => clearInterval(drip));
    });
    expect(await setup(openai(origin))({ timeoutMs: 2_000 })).toMatchObject({
      kind: "timed-out",
      phase: "body",
    });
  });

  test("gives up an answer that is too long, and the connection with it", async () => {
    let closed: Promise<unknown> | undefined;
    const origin = await httpUpstream((request, response) => {
      closed = new Promise((resolve) => request.socket.once("close", resolve));
      response.writeHead(200, { "content-type": "application/json" });
      const fill = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20)));
      };
      response.on("drain", fill).on("error", () => undefined);
      fill();
    });
    const outcome = await setup(openai(origin), { maxAnswerBytes: 1_000_000 })();
    expect(outcome).toMatchObject({ kind: "malformed", reason: "it is longer than 1000000 bytes" });
    await closed;
  });

  test.each(["shutdown", "lease-lost", "cancelled"] as const)(
    "says that it was aborted for %s",
    async (reason) => {
      const abort = new AbortController();
      const origin = await httpUpstream(() => abort.abort(reason));
      const outcome = await setup(openai(origin))({ signal: abort.signal });
      expect(outcome).toMatchObject({ kind: "aborted", reason });
      expect(outcome.sentAfterMs).toBeGreaterThanOrEqual(0);
    },
  );

  test("sends nothing when it was aborted before", async () => {
    const { origin, seen } = await recordingUpstream();
    const outcome = await setup(openai(origin))({ signal: AbortSignal.abort("shutdown") });
    expect(outcome).toEqual({ kind: "aborted", reason: "shutdown", latencyMs: 0 });
    expect(seen).toEqual([]);
  });

  test("sends nothing when it was aborted while it waited for a connection", async () => {
    const abort = new AbortController();
    const urls: (string | undefined)[] = [];
    let release: (() => void) | undefined;
    const origin = await httpUpstream((request, response) => {
      urls.push(request.url);
      const end = () => response.setHeader("content-type", "application/json").end("{}");
      if (release === undefined) {
        release = end;
        abort.abort("shutdown");
      } else end();
    });
    const call = setup(openai(origin), { connections: 1 });
    const first = call();
    const waiting = call({ signal: abort.signal, endpoint: "/v1/aborted" });
    expect(await waiting).toMatchObject({ kind: "aborted" });
    expect((await waiting).sentAfterMs).toBeUndefined();
    release?.();
    expect((await first).kind).toBe("succeeded");
    expect((await call({ endpoint: "/v1/next" })).kind).toBe("succeeded");
    expect(urls).toEqual(["/v1/chat/completions", "/v1/next"]);
  });

  test("runs many calls to one origin at the same time", async () => {
    const held: (() => void)[] = [];
    const origin = await httpUpstream((_, response) => {
      held.push(() => response.setHeader("content-type", "application/json").end("{}"));
      if (held.length === 100) for (const answer of held) answer();
    });
    const call = setup(openai(origin));
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => call()));
    expect(outcomes.filter(({ kind }) => kind === "succeeded")).toHaveLength(100);
  });

  test("puts neither the key nor the body into an outcome that is not an answer", async () => {
    const outcome = await setup({
      up: { kind: "openai", baseUrl: "http://127.0.0.1:1/v1", apiKey: "sk-bad\nkey" },
    })();
    expect(JSON.stringify(outcome)).not.toMatch(/sk-bad|auto/);
    expect(outcome.kind).toBe("unreachable");
  });
});
