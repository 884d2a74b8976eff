import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** What the wire does to each piece of data, in each direction. */
export interface Wire {
  readonly latencyMs: number;
  /** Latency is uniform within so much of {@link latencyMs}. */
  readonly jitterMs: number;
  /** Share of pieces that are lost; TCP sends them again after {@link resendMs}. */
  readonly loss: number;
}

/** A TCP proxy whose wire can be made bad while connections run over it. */
export interface TcpProxy {
  readonly port: number;
  /** Where connections made from now on go. */
  target: { readonly host: string; readonly port: number } | undefined;
  wire: Wire;
  /** Half-open: connections stay, or are taken, and nothing passes in either direction. */
  setBlackHole(on: boolean): void;
  /** Resets every connection; answers how many there were. */
  resetAll(): number;
  connections(): number;
  close(): Promise<void>;
}

const goodWire: Wire = { latencyMs: 0, jitterMs: 0, loss: 0 };
/** Linux' least retransmission timeout is 200 ms; the first of a young connection is a second. */
const resendMs = 400;

/** Starts a proxy on a free port of this machine. */
export async function startTcpProxy(): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let blackHole = false;
  const server = createServer((client) => {
    if (proxy.target === undefined) return void client.destroy();
    const upstream = connect(proxy.target);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      // What a black hole swallowed it never tells, not even an end.
      if (blackHole) return;
      client.destroy();
      upstream.destroy();
    };
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on("error", end);
      from.on("close", end);
      void carry(from, to, proxy, () => blackHole).catch(end);
    }
  });
  const proxy: TcpProxy = {
    port: 0,
    target: undefined,
    wire: goodWire,
    setBlackHole(on) {
      blackHole = on;
      // What was swallowed is gone: the connections of that time cannot go on.
      if (!on) proxy.resetAll();
    },
    resetAll() {
      const count = pairs.size;
      for (const [client, upstream] of pairs) {
        client.resetAndDestroy();
        upstream.resetAndDestroy();
      }
      pairs.clear();
      return count;
    },
    connections: () => pairs.size,
    async close() {
      blackHole = false;
      proxy.resetAll();
      server.close();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(proxy, { port: (server.address() as AddressInfo).port });
}

/** In order, however late: one piece after the other. */
async function carry(from: Socket, to: Socket, proxy: TcpProxy, isBlackHole: () => boolean): Promise<void> {
  let before: Promise<unknown> = Promise.resolve();
  for await (const piece of from) {
    if (isBlackHole()) continue;
    const waitMs = delayOf(proxy.wire);
    const arrival = waitMs === 0 ? undefined : delay(waitMs);
    before = before.then(async () => {
      await arrival;
      if (!to.destroyed && !isBlackHole()) to.write(piece);
    });
    if (waitMs === 0) await before;
  }
  await before;
  to.end();
}

function delayOf({ latencyMs, jitterMs, loss }: Wire): number {
  if (latencyMs === 0 && loss === 0) return 0;
  const lost = Math.random() < loss ? resendMs : 0;
  return Math.max(0, latencyMs + (2 * Math.random() - 1) * jitterMs) + lost;
}
