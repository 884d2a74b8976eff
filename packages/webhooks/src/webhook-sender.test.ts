import { once } from "node:events";
import type { RequestListener } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startReceiver } from "./testing/receiver.ts";
import { selfSignedCertificate } from "./testing/self-signed.ts";
import { createWebhookSender, type WebhookSenderOptions } from "./webhook-sender.ts";

const ok: RequestListener = (_, response) => response.end("fine");
const loopback = ["127.0.0.0/8"];

async function setup(answer: RequestListener, options: Partial<WebhookSenderOptions> = {}) {
  const receiver = await startReceiver(answer);
  const sender = createWebhookSender({ allowNetworks: loopback, timeoutMs: 20_000, ...options });
  const send = (url = `http://127.0.0.1:${receiver.port}/hook?x=1`, signal?: AbortSignal) =>
    sender.send({ url, headers: { "webhook-id": "evt_1" }, body: '{"a":1}', ...(signal ? { signal } : {}) });
  const dispose = async () => {
    await receiver[Symbol.asyncDispose]();
    await sender.close();
  };
  return { receiver, send, [Symbol.asyncDispose]: dispose };
}

describe("what a receiver answers", () => {
  it("delivers headers and body unchanged and tells the first KiB of the answer", async () => {
    await using test = await setup((_, response) => response.end(`a\0${"é".repeat(2000)}`));
    const result = await test.send();
    expect(result).toMatchObject({ kind: "delivered", status: 200, latencyMs: expect.any(Number) });
    expect(result.kind === "delivered" && result.responseSnippet).toBe(`a\uFFFD${"é".repeat(511)}`);
    expect(test.receiver.received[0]).toMatchObject({
      body: '{"a":1}',
      headers: { "webhook-id": "evt_1", "user-agent": expect.stringMatching(/^Sluice\//) },
    });
  });

  it.each([301, 302, 307, 308])(
    "takes the redirect %i for a failure and does not follow it",
    async (status) => {
      await using test = await setup((request, response) => {
        response.writeHead(status, { location: `http://${request.headers.host}/elsewhere` }).end();
      });
      expect(await test.send()).toMatchObject({ kind: "rejected", status });
      expect(test.receiver.received).toHaveLength(1);
    },
  );

  it("tells a Retry-After in milliseconds, from seconds or from a date", async () => {
    const values = ["7", "Thu, 01 Jan 1970 00:00:30 GMT"];
    await using test = await setup(
      (_, response) => response.writeHead(429, { "retry-after": values.shift() }).end("slow down"),
      { now: () => 10_000 },
    );
    expect(await test.send()).toMatchObject({
      kind: "rejected",
      status: 429,
      retryAfterMs: 7_000,
      responseSnippet: "slow down",
    });
    expect(await test.send()).toMatchObject({ retryAfterMs: 20_000 });
  });

  it("cuts an endless answer and still counts its 2xx", async () => {
    const cut = Promise.withResolvers<void>();
    await using test = await setup((_, response) => {
      response.on("close", cut.resolve);
      const flood = () => {
        while (!response.destroyed && response.write("x".repeat(16_384)));
      };
      response.on("drain", flood);
      flood();
    });
    expect(await test.send()).toMatchObject({
      kind: "delivered",
      status: 200,
      responseSnippet: "x".repeat(1024),
    });
    await cut.promise;
  });

  it("counts the status when the body trickles on until the attempt's time is over", async () => {
    const cut = Promise.withResolvers<void>();
    const trickle: RequestListener = (_, response) => {
      const timer = setInterval(() => response.write("drop "), 50);
      response.on("close", () => {
        clearInterval(timer);
        cut.resolve();
      });
    };
    await using test = await setup(trickle, { timeoutMs: 3_000 });
    const result = await test.send();
    expect(result).toMatchObject({
      kind: "delivered",
      responseSnippet: expect.stringMatching(/^drop drop /),
    });
    await cut.promise;
  });

  it("counts the status when the connection ends in the middle of the body", async () => {
    await using test = await setup((request, response) => {
      response.writeHead(500, { "content-length": 100 });
      response.write("half", () => request.socket.end());
    });
    expect(await test.send()).toMatchObject({ kind: "rejected", status: 500, responseSnippet: "half" });
  });

  it("keeps a connection for the next webhook after a short answer", async () => {
    await using test = await setup(ok);
    await test.send();
    await setImmediate(); // undici frees the connection in the next turn of the loop
    await test.send();
    expect(test.receiver.received).toHaveLength(2);
    expect(test.receiver.connections()).toBe(1);
  });
});

describe("no answer", () => {
  it("ends as timeout when the receiver is silent", async () => {
    await using test = await setup(() => undefined, { timeoutMs: 500 });
    expect(await test.send()).toMatchObject({ kind: "failed", reason: "timeout" });
  });

  it("ends as timeout when the name server is silent", async () => {
    await using test = await setup(ok, { timeoutMs: 500, resolve: () => new Promise(() => undefined) });
    expect(await test.send("https://hooks.example/")).toMatchObject({ kind: "failed", reason: "timeout" });
  });

  it("ends as reset when the connection breaks before the answer", async () => {
    await using test = await setup((request) => request.socket.resetAndDestroy());
    expect(await test.send()).toMatchObject({ kind: "failed", reason: "reset" });
  });

  it("ends as connect when nobody listens", async () => {
    const receiver = await startReceiver(ok);
    await using test = await setup(ok);
    await receiver[Symbol.asyncDispose]();
    expect(await test.send(`http://127.0.0.1:${receiver.port}/`)).toMatchObject({
      kind: "failed",
      reason: "connect",
    });
  });

  it("ends as malformed-answer when it is not HTTP", async () => {
    await using test = await setup(ok);
    const server = createServer((socket) =>
      socket.on("error", () => undefined).end("SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    );
    await once(server.listen(0, "127.0.0.1"), "listening");
    const result = await test.send(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    server.close();
    expect(result).toMatchObject({ kind: "failed", reason: "malformed-answer" });
  });

  it("ends as dns when the name has no address", async () => {
    await using test = await setup(ok, { resolve: () => Promise.reject(new Error("ENOTFOUND")) });
    expect(await test.send("https://hooks.example/")).toMatchObject({ kind: "failed", reason: "dns" });
  });

  it("ends as aborted when the caller gives up, before or during the attempt", async () => {
    const controller = new AbortController();
    await using test = await setup(() => controller.abort());
    expect(await test.send(undefined, controller.signal)).toMatchObject({
      kind: "failed",
      reason: "aborted",
    });
    expect(await test.send(undefined, controller.signal)).toMatchObject({
      kind: "failed",
      reason: "aborted",
    });
  });

  it("throws on a header that could smuggle another", async () => {
    const sender = createWebhookSender({ allowNetworks: loopback, timeoutMs: 20_000 });
    const request = { url: "http://127.0.0.1:9/", headers: { "x-a": "1\r\nx-b: 2" }, body: "" };
    await expect(sender.send(request)).rejects.toThrow(/header/);
  });
});

describe("addresses that must not be reached", () => {
  const forbidden = { kind: "failed", reason: "forbidden-address" };

  it.each(["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost"])(
    "refuses %s without connecting",
    async (host) => {
      await using test = await setup(ok, { allowNetworks: [] });
      expect(await test.send(`https://${host}:${test.receiver.port}/`)).toMatchObject(forbidden);
      expect(test.receiver.connections()).toBe(0);
    },
  );

  it.each([
    ["only a private address", ["127.0.0.1"]],
    ["a private address after a public one", ["93.184.216.34", "127.0.0.1"]],
    ["a private address before a public one", ["127.0.0.1", "93.184.216.34"]],
    ["a mapped private address", ["::ffff:127.0.0.1"]],
    ["something that is no address", ["127.0.0.1.example"]],
  ])("refuses a name with %s", async (_, addresses) => {
    await using test = await setup(ok, { allowNetworks: [], resolve: async () => addresses });
    expect(await test.send(`https://rebind.example:${test.receiver.port}/`)).toMatchObject(forbidden);
    expect(test.receiver.connections()).toBe(0);
  });

  it("judges every new connection's answer, not only the first", async () => {
    const answers = [["127.0.0.1"], ["10.0.0.1"]];
    await using test = await setup((_, response) => response.setHeader("connection", "close").end(), {
      resolve: async () => answers.shift() ?? [],
    });
    const url = `http://rebind.example:${test.receiver.port}/`;
    expect(await test.send(url)).toMatchObject({ kind: "delivered" });
    expect(await test.send(url)).toMatchObject(forbidden);
    expect(test.receiver.connections()).toBe(1);
  });

  it("asks for a name's address once per connection, so the checked answer is the one connected to", async () => {
    const answers = [["127.0.0.1"], ["10.0.0.1"]];
    let asked = 0;
    await using test = await setup(ok, { resolve: async () => answers[asked++] ?? [] });
    expect(await test.send(`http://rebind.example:${test.receiver.port}/`)).toMatchObject({
      kind: "delivered",
    });
    expect(asked).toBe(1);
  });

  it("refuses plain http to a public address although a private network is allowed", async () => {
    await using test = await setup(ok, { resolve: async () => ["93.184.216.34"] });
    expect(await test.send("http://hooks.example/")).toMatchObject(forbidden);
  });
});

describe("https", () => {
  it("connects to the checked address, while Host, SNI and the certificate are the name's", async () => {
    const tls = selfSignedCertificate("hooks.example");
    await using receiver = await startReceiver(ok, tls);
    const options = { allowNetworks: loopback, timeoutMs: 20_000, resolve: async () => ["127.0.0.1"] };
    const trusting = createWebhookSender({ ...options, certificateAuthorities: tls.cert });
    const send = (host: string, sender = trusting) =>
      sender.send({ url: `https://${host}:${receiver.port}/`, headers: {}, body: "" });

    expect(await send("hooks.example")).toMatchObject({ kind: "delivered" });
    expect(receiver.received[0]?.headers.host).toBe(`hooks.example:${receiver.port}`);
    expect(await send("other.example")).toMatchObject({ kind: "failed", reason: "tls" });
    expect(await send("hooks.example", createWebhookSender(options))).toMatchObject({
      kind: "failed",
      reason: "tls",
    });
    expect(receiver.received).toHaveLength(1);
    await trusting.close();
  });
});
