import type { System } from "../systems/system.ts";

/** What a system had used at a moment. */
export interface Snapshot {
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly redisCommands: number;
  readonly redisReceivedBytes: number;
  readonly redisSentBytes: number;
  readonly statements: number | undefined;
  readonly commits: number | undefined;
}

/** Takes a snapshot of processes and servers. */
export async function snapshot(system: System): Promise<Snapshot> {
  const counts = await system.postgres?.counts();
  const { receivedBytes, sentBytes } = await system.redis.traffic();
  return {
    cpuMs: system.cpuMs(),
    redisCommands: await system.redis.commands(),
    redisReceivedBytes: receivedBytes,
    redisSentBytes: sentBytes,
    statements: counts?.statements,
    commits: counts?.commits,
  };
}

/** Measures by name; every name stands in metrics.ts. */
export type Measures = Readonly<Record<string, number>>;

/** What one job cost between two snapshots, each measure's name beginning with `phase`. */
export function costPerJob(phase: string, before: Snapshot, after: Snapshot, jobs: number): Measures {
  const cpu = Object.entries(after.cpuMs).map(
    ([name, ms]) => [name, (ms - (before.cpuMs[name] ?? 0)) / jobs] as const,
  );
  return {
    ...Object.fromEntries(cpu.map(([name, ms]) => [`${phase}.cpu.${name}`, ms])),
    [`${phase}.cpu.total`]: cpu.reduce((sum, [, ms]) => sum + ms, 0),
    [`${phase}.redis`]: (after.redisCommands - before.redisCommands) / jobs,
    [`${phase}.redisIn`]: (after.redisReceivedBytes - before.redisReceivedBytes) / jobs,
    [`${phase}.redisOut`]: (after.redisSentBytes - before.redisSentBytes) / jobs,
    ...(after.statements === undefined
      ? {}
      : { [`${phase}.statements`]: (after.statements - (before.statements ?? 0)) / jobs }),
    ...(after.commits === undefined
      ? {}
      : { [`${phase}.commits`]: (after.commits - (before.commits ?? 0)) / jobs }),
  };
}

/** What a system used in a stretch of time in which it has next to nothing to do, each name beginning with `phase`. */
export function costPerSecond(phase: string, before: Snapshot, after: Snapshot, elapsedMs: number): Measures {
  const shares = Object.entries(after.cpuMs).map(
    ([name, ms]) => [name, (100 * (ms - (before.cpuMs[name] ?? 0))) / elapsedMs] as const,
  );
  const perSecond = (now: number, then: number): number => ((now - then) / elapsedMs) * 1_000;
  return {
    ...Object.fromEntries(shares.map(([name, share]) => [`${phase}.cpuShare.${name}`, share])),
    [`${phase}.cpuShare.total`]: shares.reduce((sum, [, share]) => sum + share, 0),
    [`${phase}.redisPerSecond`]: perSecond(after.redisCommands, before.redisCommands),
    ...(after.statements === undefined
      ? {}
      : { [`${phase}.statementsPerSecond`]: perSecond(after.statements, before.statements ?? 0) }),
  };
}
