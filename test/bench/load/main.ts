// The load generator, a process of its own; it takes orders and answers results over IPC.

import { quantile } from "../measure/quantile.ts";
import { jobBodies } from "../prompts.ts";
import { type Connection, openConnection, postRequest } from "./connection.ts";
import type { LoadOrder, LoadResult } from "./load-types.ts";

process.on("message", (order) => {
  void run(order as LoadOrder).then((result) => process.send?.({ type: "done", result }));
});
// Waiting for orders is all that keeps it alive.
process.channel?.ref();
process.send?.({ type: "ready" });

async function run(order: LoadOrder): Promise<LoadResult> {
  const url = new URL(order.url);
  const requests = jobBodies(order.seed, order.model).map((body) => postRequest(url, order.headers, body));
  const connections = await Promise.all(Array.from({ length: order.connections }, () => openConnection(url)));
  const tally = { next: 0, accepted: 0, other: undefined as number | undefined, latencies: [] as number[] };
  const startedAt = performance.now();
  await Promise.all(
    connections.map((connection) => drive(connection, { requests, total: order.requests, tally })),
  );
  const elapsedMs = performance.now() - startedAt;
  for (const connection of connections) connection.close();
  return {
    accepted: tally.accepted,
    elapsedMs,
    otherStatus: tally.other,
    p50Ms: quantile(tally.latencies, 0.5),
    p99Ms: quantile(tally.latencies, 0.99),
  };
}

interface Drive {
  readonly requests: readonly Buffer[];
  readonly total: number;
  readonly tally: { next: number; accepted: number; other: number | undefined; latencies: number[] };
}

async function drive(connection: Connection, { requests, total, tally }: Drive): Promise<void> {
  for (;;) {
    const index = tally.next;
    if (index >= total) return;
    tally.next += 1;
    const request = requests[index % requests.length] as Buffer;
    const sentAt = performance.now();
    const status = await connection.send(request);
    tally.latencies.push(performance.now() - sentAt);
    if (status === 202) tally.accepted += 1;
    else tally.other = status;
  }
}
