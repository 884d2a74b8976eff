import type { System } from "../systems/system.ts";

/** What a system had used at a moment. */
export interface Snapshot {
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly redisCommands: number;
  readonly statements: number | undefined;
  readonly commits: number | undefined;
}

/** Takes a snapshot of processes and servers. */
export async function snapshot(system: System): Promise<Snapshot> {
  const counts = await system.postgres?.counts();
  return {
    cpuMs: system.cpuMs(),
    redisCommands: await system.redis.commands(),
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
    ...(after.statements === undefined
      ? {}
      : { [`${phase}.statements`]: (after.statements - (before.statements ?? 0)) / jobs }),
    ...(after.commits === undefined
      ? {}
      : { [`${phase}.commits`]: (after.commits - (before.commits ?? 0)) / jobs }),
  };
}
