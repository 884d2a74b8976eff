import type { RunningRedis, RunningServer } from "@sluice/embedded";
import type { BenchProcess } from "../bench-process.ts";
import type { PostgresGauge } from "../measure/postgres-gauge.ts";
import type { RedisGauge } from "../measure/redis-gauge.ts";
import type { Upstream } from "../upstream.ts";

/** What a system is started on. Redis is its own, PostgreSQL is shared by rounds and unused by the baseline. */
export interface SystemGround {
  readonly redis: RunningRedis;
  readonly postgres: RunningServer;
  readonly upstream: Upstream;
  /** For logs, profiles and files of this round. */
  readonly folder: string;
  readonly profile: boolean;
}

/** One of the two that are compared, started freshly for a round; its worker is started when the queue is full. */
export interface System {
  readonly name: "baseline" | "sluice";
  /** Where jobs are posted, and with which headers. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly redis: RedisGauge;
  readonly postgres: PostgresGauge | undefined;
  startWorker(): Promise<void>;
  /** From now on jobs of the limited model get ten calls a minute. */
  limitCalls(): Promise<void>;
  /** Jobs that have not ended. */
  unfinished(): Promise<number>;
  /** Jobs or pointers that lie in Redis and wait. */
  queuedInRedis(): Promise<number>;
  /** CPU time in ms by process so far. */
  cpuMs(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** What the limit of the limited model is. */
export const callsPerMinute = 10;

/** CPU time by process, the two servers among them. */
export function cpuByName(
  processes: readonly BenchProcess[],
  servers: Readonly<Record<string, () => number>>,
) {
  return {
    ...Object.fromEntries(processes.map((process) => [process.name, process.cpuMs()])),
    ...Object.fromEntries(Object.entries(servers).map(([name, cpuMs]) => [name, cpuMs()])),
  };
}
