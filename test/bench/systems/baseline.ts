import { baselineQueue } from "../baseline/baseline-job.ts";
import { type BenchProcess, startProcess } from "../bench-process.ts";
import { cpuMsOfTree } from "../measure/cpu-time.ts";
import { openRedisGauge } from "../measure/redis-gauge.ts";
import { callsPerMinute, cpuByName, type System, type SystemGround } from "./system.ts";

/** Starts the plain BullMQ system on an emptied Redis. */
export async function startBaseline(ground: SystemGround): Promise<System> {
  const { redis, upstream, folder } = ground;
  const gauge = openRedisGauge(redis.url);
  await gauge.empty();
  const common = {
    env: { REDIS_URL: redis.url, BENCH_UPSTREAM: upstream.origin },
    logFolder: folder,
    profileFolder: ground.profile ? folder : undefined,
  };
  const api = await startProcess({ ...common, name: "api", program: "test/bench/baseline/api.ts" });
  const processes: BenchProcess[] = [api];
  const startWorker = async (more: Readonly<Record<string, string>> = {}): Promise<void> => {
    const program = "test/bench/baseline/worker.ts";
    processes.push(
      await startProcess({ ...common, name: "worker", program, env: { ...common.env, ...more } }),
    );
  };
  const waiting = () => gauge.waiting(`bull:${baselineQueue}`);
  return {
    name: "baseline",
    url: `${api.url}/v1/jobs`,
    headers: {},
    redis: gauge,
    postgres: undefined,
    startWorker: () => startWorker(),
    async limitCalls() {
      // The limiter is its worker's: there is one limit for whatever that worker takes.
      await processes.pop()?.stop();
      await startWorker({ BENCH_REQUESTS_PER_MINUTE: String(callsPerMinute) });
    },
    unfinished: async () => (await waiting()) + (await gauge.active(`bull:${baselineQueue}`)),
    queuedInRedis: waiting,
    cpuMs: () => cpuByName(processes, { redis: () => cpuMsOfTree(redis.pid ?? 0) }),
    async stop() {
      for (const process of processes.toReversed()) await process.stop();
      gauge.close();
    },
  };
}
