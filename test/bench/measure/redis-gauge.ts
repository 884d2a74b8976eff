import { Redis } from "ioredis";

/** Reads what a Redis has done and holds. */
export interface RedisGauge {
  /** Commands carried out so far, those inside scripts included, without the gauge's own. */
  commands(): Promise<number>;
  /** Bytes that Redis has received and sent so far, the gauge's own (some KB a reading) included. */
  traffic(): Promise<{ readonly receivedBytes: number; readonly sentBytes: number }>;
  /** Bytes that Redis has in use. */
  usedBytes(): Promise<number>;
  /** Jobs of the BullMQ queue at this prefix that wait. */
  waiting(base: string): Promise<number>;
  /** Jobs of the BullMQ queue at this prefix that a worker has. */
  active(base: string): Promise<number>;
  empty(): Promise<void>;
  close(): void;
}

const ownCommands = new Set(["info", "flushall", "zcard", "llen", "config|resetstat"]);

/** Connects a gauge. */
export function openRedisGauge(url: string): RedisGauge {
  const redis = new Redis(url);
  return {
    async commands() {
      const text = await redis.info("commandstats");
      let calls = 0;
      for (const [, name = "", count = "0"] of text.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)) {
        if (!ownCommands.has(name)) calls += Number(count);
      }
      return calls;
    },
    async traffic() {
      const text = await redis.info("stats");
      const read = (name: string): number => Number(new RegExp(`${name}:(\\d+)`).exec(text)?.[1]);
      return {
        receivedBytes: read("total_net_input_bytes"),
        sentBytes: read("total_net_output_bytes"),
      };
    },
    async usedBytes() {
      const text = await redis.info("memory");
      return Number(/used_memory:(\d+)/.exec(text)?.[1]);
    },
    async waiting(base) {
      const counts = await Promise.all([redis.zcard(`${base}:prioritized`), redis.llen(`${base}:wait`)]);
      return counts[0] + counts[1];
    },
    active: (base) => redis.llen(`${base}:active`),
    async empty() {
      await redis.flushall();
    },
    close: () => redis.disconnect(),
  };
}
