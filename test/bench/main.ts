// `npm run bench`: Sluice beside a plain BullMQ queue, in alternating rounds on one machine.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type RunningRedis, type RunningServer, startPostgres, startRedis } from "@sluice/embedded";
import { type BenchProcess, startProcess } from "./bench-process.ts";
import { describeMachine } from "./machine.ts";
import { countStatements } from "./measure/postgres-gauge.ts";
import type { Measures } from "./measure/snapshot.ts";
import { type BenchOptions, readOptions, usage } from "./options.ts";
import { writeBatchFile } from "./phases/batch-file.ts";
import { runRound } from "./round.ts";
import { startBaseline } from "./systems/baseline.ts";
import { startSluice } from "./systems/sluice.ts";
import type { System } from "./systems/system.ts";
import { type Rounds, renderTable } from "./table.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** What lives through all rounds. */
interface Bench {
  readonly options: BenchOptions;
  readonly folder: string;
  readonly batchFile: string;
  readonly redis: Readonly<Record<System["name"], RunningRedis>>;
  readonly postgres: RunningServer;
  readonly upstream: Upstream;
  readonly load: BenchProcess;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

if (process.argv.includes("--help")) process.stdout.write(usage);
else await main(readOptions(process.argv.slice(2)));

async function main(options: BenchOptions): Promise<void> {
  const folder =
    options.keep === undefined ? mkdtempSync(join(tmpdir(), "sluice-bench-")) : resolve(options.keep);
  mkdirSync(folder, { recursive: true });
  const servers: RunningServer[] = [];
  try {
    const bench = await prepare(options, folder, servers);
    const rounds = await runRounds(bench);
    process.stdout.write(`${await describeMachine(bench.redis.sluice.url, bench.postgres.url)}\n\n`);
    process.stdout.write(`${options.rounds} rounds of each, medians\n\n${renderTable(rounds)}\n`);
    if (options.json) process.stdout.write(`\n${JSON.stringify(rounds)}\n`);
    await Promise.all([bench.upstream.process.stop(), bench.load.stop()]);
  } finally {
    await Promise.all(servers.map((server) => server.close()));
    if (options.keep === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts the servers (with fsync, each system with a Redis of its own), the upstream and the load generator. */
async function prepare(options: BenchOptions, folder: string, servers: RunningServer[]): Promise<Bench> {
  const keep = async <T extends RunningServer>(starting: Promise<T>): Promise<T> => {
    const server = await starting;
    servers.push(server);
    return server;
  };
  const common = { preferContainer: false };
  const redis = { baseline: await keep(startRedis(common)), sluice: await keep(startRedis(common)) };
  const postgres = await keep(startPostgres(common));
  await countStatements(postgres);
  const batchFile = join(folder, "batch.jsonl");
  await writeBatchFile(batchFile, options.sizes.batchLines, options.seed);
  const upstream = await startUpstream({ logFolder: folder, seed: options.seed });
  const load = await startProcess({ name: "load", program: "test/bench/load/main.ts", logFolder: folder });
  return { options, folder, batchFile, redis, postgres, upstream, load };
}

/** A B A B …: what else the machine does falls on both alike. */
async function runRounds(bench: Bench): Promise<Rounds> {
  const rounds: Record<System["name"], Measures[]> = { baseline: [], sluice: [] };
  for (let round = 1; round <= bench.options.rounds; round += 1) {
    for (const name of bench.options.systems) {
      const measures = await runOne(bench, name, join(bench.folder, `${name}-${round}`));
      rounds[name].push(measures);
      const perSecond = (key: string): string => `${key} ${Math.round(measures[`${key}.perSecond`] ?? 0)}/s`;
      say(`round ${round} ${name}: ${["accept", "finish", "through"].map(perSecond).join(", ")}`);
    }
  }
  return rounds;
}

async function runOne(bench: Bench, name: System["name"], folder: string): Promise<Measures> {
  const { options, postgres, upstream, load } = bench;
  const ground = {
    redis: bench.redis[name],
    postgres,
    upstream,
    folder,
    profile: options.keep !== undefined,
  };
  const system = await (name === "sluice" ? startSluice(ground) : startBaseline(ground));
  try {
    const { sizes, seed } = options;
    return await runRound({ system, load, upstream, sizes, seed }, bench.batchFile);
  } finally {
    if (ground.profile) await writeStatements(system, folder);
    await system.stop();
  }
}

/** Beside the CPU profiles: what PostgreSQL spent its time on. */
async function writeStatements({ postgres }: System, folder: string): Promise<void> {
  const statements = (await postgres?.heaviest(20)) ?? [];
  const lines = statements.map(({ totalMs, calls, rows, query }) =>
    [Math.round(totalMs), calls, rows, query].join("\t"),
  );
  writeFileSync(join(folder, "statements.tsv"), ["total_ms\tcalls\trows\tquery", ...lines].join("\n"));
}
