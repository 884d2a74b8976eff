import { setTimeout as delay } from "node:timers/promises";
import type { Fault } from "../fault.ts";
import type { TcpProxy } from "../kit/tcp-proxy.ts";

/** Places of the one target: what may be in flight when all workers lose their leases at once. */
const callsInFlight = 12;

const halfOpen = async (wire: TcpProxy, forMs: number) => {
  const connections = wire.connections();
  wire.setBlackHole(true);
  await delay(forMs);
  wire.setBlackHole(false);
  return { bit: connections > 0, how: `${connections} connections silent` };
};

/** Faults of the network between our processes and their servers. */
export const wireFaults: readonly Fault[] = [
  {
    number: 16,
    name: "connections to Redis half-open for 30 s",
    duplicateCalls: () => 0,
    inject: ({ cluster }) => halfOpen(cluster.redisWire, 30_000),
  },
  {
    number: 16,
    name: "connections to PostgreSQL half-open for 30 s, past every lease",
    duplicateCalls: () => callsInFlight,
    inject: ({ cluster }) => halfOpen(cluster.postgresWire, 30_000),
  },
  {
    number: 18,
    name: "Redis and PostgreSQL 500 ± 300 ms away with 2 % loss, for 30 s",
    duplicateCalls: () => 0,
    inject: async ({ cluster }) => {
      const wires = [cluster.redisWire, cluster.postgresWire];
      const before = wires.map(({ wire }) => wire);
      for (const wire of wires) wire.wire = { latencyMs: 500, jitterMs: 300, loss: 0.02 };
      await delay(30_000);
      for (const [index, wire] of wires.entries()) wire.wire = before[index] ?? wire.wire;
      const connections = wires.reduce((sum, wire) => sum + wire.connections(), 0);
      return { bit: connections > 0, how: `${connections} connections slowed` };
    },
  },
];
