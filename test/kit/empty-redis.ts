import { once } from "node:events";
import { createConnection } from "node:net";
import { inject } from "vitest";

/** Spoken over a bare socket, so that no client library stands between a test and a clean server. */
async function emptyRedis(url: URL): Promise<void> {
  const socket = createConnection({ host: url.hostname, port: Number(url.port) });
  await once(socket, "connect");
  const answer = once(socket, "data");
  socket.write("FLUSHALL\r\n");
  const [bytes] = (await answer) as [Buffer];
  socket.destroy();
  if (!bytes.toString().startsWith("+OK")) {
    throw new Error(`the test Redis refused FLUSHALL: ${bytes.toString().trim()}`);
  }
}

await emptyRedis(new URL(inject("redisUrl")));
