import { once } from "node:events";
import { createConnection } from "node:net";
import { inject } from "vitest";

/** Spoken over a bare socket, so that no client library stands between a test and a clean server. */
async function emptyRedis(url: URL): Promise<void> {
  const socket = createConnection({ host: url.hostname, port: Number(url.port) });
  await once(socket, "connect");
  const login = url.password === "" ? "PING" : `AUTH ${decodeURIComponent(url.password)}`;
  socket.end(`${login}\r\nFLUSHALL\r\nQUIT\r\n`);
  let answer = "";
  for await (const bytes of socket) answer += String(bytes);
  if (answer.split("\r\n")[1] !== "+OK") throw new Error(`the test Redis refused FLUSHALL: ${answer.trim()}`);
}

await emptyRedis(new URL(inject("redisUrl")));
