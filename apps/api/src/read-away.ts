import type { IncomingMessage } from "node:http";

/**
 * Reads the rest of a refused body away: a client that sends all before it listens would not see the answer, and one
 * that waits for us to read would wait until the connection is cut.
 */
export async function readAway(body: IncomingMessage): Promise<void> {
  body.unpipe();
  if (body.readableEnded || body.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  body.once("end", resolve).once("close", resolve).resume();
  await promise;
}
