/** One row of the table. */
export interface Metric {
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  /** The aim, in words, where there is one. */
  readonly aim?: string;
  /** The baseline's measure to compare with, where it is another one. */
  readonly against?: string;
}

const cpuRows = (phase: string, words: string): Metric[] =>
  ["api", "dispatcher", "worker", "redis", "postgres", "total"].map((name) => ({
    key: `${phase}.cpu.${name}`,
    label: `CPU per job ${words}: ${name}`,
    unit: "ms",
  }));

const serverRows = (phase: string, words: string): Metric[] => [
  { key: `${phase}.redis`, label: `Redis commands per job ${words}`, unit: "" },
  { key: `${phase}.redisIn`, label: `Sent to Redis per job ${words}`, unit: "bytes" },
  { key: `${phase}.redisOut`, label: `Answered by Redis per job ${words}`, unit: "bytes" },
  { key: `${phase}.statements`, label: `PostgreSQL statements per job ${words}`, unit: "" },
  { key: `${phase}.commits`, label: `PostgreSQL commits per job ${words}`, unit: "" },
];

const quietRows = (phase: string, words: string): Metric[] => [
  ...["api", "dispatcher", "worker", "delivery", "redis", "postgres", "total"].map((name) => ({
    key: `${phase}.cpuShare.${name}`,
    label: `CPU ${words}: ${name}`,
    unit: "% of a core",
  })),
  { key: `${phase}.redisPerSecond`, label: `Redis commands ${words}`, unit: "per s" },
  { key: `${phase}.statementsPerSecond`, label: `PostgreSQL statements ${words}`, unit: "per s" },
];

/** Every row, in the order of the table. */
export const metrics: readonly Metric[] = [
  { key: "accept.perSecond", label: "Accepted, single POSTs", unit: "jobs/s", aim: "≥ 1.0×" },
  { key: "accept.p50Ms", label: "Time of a POST at 64 at once, median", unit: "ms" },
  { key: "accept.p99Ms", label: "Time of a POST at 64 at once, p99", unit: "ms" },
  {
    key: "batch.perSecond",
    label: "Accepted, batch file",
    unit: "jobs/s",
    aim: "≥ 10×",
    against: "accept.perSecond",
  },
  { key: "batch.uploadMs", label: "Upload within it", unit: "ms" },
  { key: "finish.perSecond", label: "Finished, from a full queue", unit: "jobs/s", aim: "≥ 0.7×" },
  { key: "through.perSecond", label: "Accepted and finished at once", unit: "jobs/s" },
  { key: "through.acceptPerSecond", label: "Accepted while the worker runs", unit: "jobs/s" },
  { key: "pickUp.p50Ms", label: "Pick-up on an idle cluster, median", unit: "ms" },
  { key: "pickUp.p95Ms", label: "Pick-up on an idle cluster, p95", unit: "ms" },
  { key: "redisBytes.perJob", label: "Redis memory per queued job", unit: "bytes", aim: "≤ 1024" },
  {
    key: "redisBytes.perJobInRedis",
    label: "Redis memory per job that lies in Redis",
    unit: "bytes",
    aim: "≤ 1024",
  },
  {
    key: "decide.perSecond",
    label: "Decisions over 50 targets (beside: JSON of the request read and written)",
    unit: "per s",
  },
  { key: "redisBytes.leftPerJob", label: "Redis memory left per job that has ended", unit: "bytes" },
  ...cpuRows("accept", "accepted"),
  ...cpuRows("finish", "finished"),
  ...cpuRows("through", "accepted and finished"),
  ...cpuRows("batch", "of a batch file"),
  ...serverRows("accept", "accepted"),
  ...serverRows("finish", "finished"),
  ...serverRows("through", "accepted and finished"),
  ...serverRows("batch", "of a batch file"),
  ...quietRows("idle", "of an idle cluster"),
  ...quietRows("waiting", "while 1,000 jobs wait for a limit"),
];
