import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

let echo: Server;
let proxy: TcpProxy;
beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  proxy = await startTcpProxy();
  proxy.target = { host: "127.0.0.1", port: (echo.address() as AddressInfo).port };
});
afterEach(async () => {
  await proxy.close();
  echo.close();
});

async function open(): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: proxy.port });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** A reset is an error first, at which `once` would reject. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

async function said(socket: Socket, bytes: number): Promise<string> {
  let text = "";
  while (text.length < bytes) text += String((await once(socket, "data"))[0]);
  return text;
}

test("carries both ways, and keeps the order on a bad wire", async () => {
  proxy.wire = { latencyMs: 5, jitterMs: 5, loss: 0.2 };
  const socket = await open();
  const pieces = Array.from({ length: 20 }, (_, index) => `${index},`);
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await said(socket, pieces.join("").length)).toBe(pieces.join(""));
  socket.destroy();
});

test("a black hole keeps connections and passes nothing; they are reset when it ends", async () => {
  const socket = await open();
  socket.write("before");
  expect(await said(socket, 6)).toBe("before");
  proxy.setBlackHole(true);
  const heard: string[] = [];
  socket.on("data", (data) => heard.push(String(data)));
  const late = await open();
  socket.write("swallowed");
  const ended = closed(socket);
  expect([socket.destroyed, late.destroyed]).toEqual([false, false]);
  proxy.setBlackHole(false);
  await ended;
  expect(heard).toEqual([]);
  late.destroy();
});

test("without a target it refuses, and a reset ends what was open", async () => {
  const socket = await open();
  socket.write("x");
  await said(socket, 1);
  const ended = closed(socket);
  proxy.target = undefined;
  expect(proxy.resetAll()).toBe(1);
  await ended;
  const refused = await open();
  refused.resume();
  await closed(refused);
  expect(proxy.connections()).toBe(0);
});
