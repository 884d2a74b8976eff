// A batch of 50,000 lines and one of a million, each on a cluster of its own:
// `node test/e2e/drill/million-lines.ts [LINES …]`. Each is uploaded, validated, run until first results can be read, and
// cancelled. Prints the peak memory of the processes that see the lines pass, and exits with 1 when it grows by more than a
// fifth, or when a cancelled batch goes on calling. A drill and no test: what it prints depends on the machine.
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Redis } from "ioredis";
import type { Batch } from "openai/resources/batches";
import { startTestCluster, type TestCluster } from "../kit/cluster.ts";
import { judge, printTable } from "../kit/print.ts";
import { until } from "../kit/until.ts";

const asked = process.argv.slice(2).map(Number);
const sizes = asked.length > 0 ? asked : [50_000, 1_000_000];
/** Longer than any step takes on a machine that others use too. */
const patienceMs = 1_800_000;
const mostGrowth = 1.2;

const config = `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 100, tokens_per_second: 2000, concurrency: 16 }
pools:
  only: { targets: [{ id: only, provider: sim, model: sim-8b }] }
models:
  auto: { pools: [only] }
limits: { batch_lines: ${Math.max(...sizes)}, batch_file_bytes: 1GB }
`;

/** What one batch showed. */
interface Seen {
  readonly lines: number;
  readonly uploadMs: number;
  /** From its creation until its lines could run. */
  readonly validationMs: number;
  /** From its creation until a result could be read. */
  readonly firstResultMs: number;
  /** Lines that had not ended when the first results were read. */
  readonly leftAtFirst: number;
  readonly cancelMs: number;
  readonly cancelledMs: number;
  readonly callsAfter: number;
  readonly inFlight: number;
  /** MiB. */
  readonly peaks: Readonly<Record<string, number>>;
}

function* lines(count: number): Generator<string> {
  for (let index = 0; index < count; index += 1) {
    const content = `Question ${index}: name a river.`;
    const body = { model: "auto", messages: [{ role: "user", content }], max_tokens: 8 };
    yield `${JSON.stringify({ custom_id: `line-${index}`, method: "POST", url: "/v1/chat/completions", body })}\n`;
  }
}

async function measure(count: number): Promise<Seen> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-lines-"));
  const path = join(folder, "in.jsonl");
  await pipeline(Readable.from(lines(count)), createWriteStream(path));
  const cluster = await startTestCluster({ config, workers: 2 });
  try {
    return await run(cluster, count, path);
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(cluster: TestCluster, count: number, path: string): Promise<Seen> {
  const { openai } = cluster;
  const startedAt = performance.now();
  const file = await openai.files.create({ file: createReadStream(path), purpose: "batch" });
  const createdAt = performance.now();
  const { id } = await openai.batches.create({
    input_file_id: file.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
  });
  const read = (): Promise<Batch> => openai.batches.retrieve(id);
  const reach = async (what: string, isThere: (batch: Batch) => boolean): Promise<Batch> =>
    until(what, async () => ((batch) => (isThere(batch) ? batch : undefined))(await read()), patienceMs);
  await reach("its lines are valid", ({ status }) => status !== "validating");
  const validAt = performance.now();
  const first = await reach("a result can be read", (batch) => typeof batch.output_file_id === "string");
  const text = await (await openai.files.content(first.output_file_id ?? "")).text();
  const firstAt = performance.now();
  const results = text.split("\n").length - 1;
  await reach("a thousand lines are done", (batch) => (batch.request_counts?.completed ?? 0) >= 1_000);
  const cancelAt = performance.now();
  await openai.batches.cancel(id);
  const answeredAt = performance.now();
  const before = await cluster.simulators["sim"]?.stats();
  await reach("it is cancelled", ({ status }) => status === "cancelled");
  const cancelledAt = performance.now();
  const after = await cluster.simulators["sim"]?.stats();
  return {
    lines: count,
    uploadMs: createdAt - startedAt,
    validationMs: validAt - createdAt,
    firstResultMs: firstAt - createdAt,
    leftAtFirst: count - results,
    cancelMs: answeredAt - cancelAt,
    cancelledMs: cancelledAt - cancelAt,
    callsAfter: (after?.calls ?? Number.NaN) - (before?.calls ?? Number.NaN),
    inFlight: before?.in_flight ?? Number.NaN,
    peaks: await peaksOf(cluster),
  };
}

async function peaksOf({ supervised }: TestCluster): Promise<Record<string, number>> {
  const peaks: Record<string, number> = {};
  for (const { name, pid } of supervised.processes) {
    if (!["api", "dispatcher", "worker-1"].includes(name)) continue;
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    peaks[name] = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }
  const redis = new Redis(supervised.redisUrl);
  peaks["redis"] = Number(/used_memory_peak:(\d+)/.exec(await redis.info("memory"))?.[1]) / 1024 ** 2;
  redis.disconnect();
  return peaks;
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
const seen: Seen[] = [];
for (const count of sizes) {
  const one = await measure(count);
  seen.push(one);
  console.log(`${count} lines: ${JSON.stringify(one)} (load ${loadavg()[0]?.toFixed(1)})`);
}
printTable(
  [
    "lines",
    "upload (s)",
    "valid after (s)",
    "first result after (s)",
    "lines left then",
    "cancel answered (s)",
    "cancelled after (s)",
    "calls after the answer",
  ],
  seen.map((one) => [
    one.lines,
    seconds(one.uploadMs),
    seconds(one.validationMs),
    seconds(one.firstResultMs),
    one.leftAtFirst,
    seconds(one.cancelMs),
    seconds(one.cancelledMs),
    one.callsAfter,
  ]),
);
const names = Object.keys(seen[0]?.peaks ?? {});
printTable(
  ["peak memory (MiB)", ...names],
  seen.map(({ lines: count, peaks }) => [
    count,
    ...names.map((name) => (peaks[name] ?? Number.NaN).toFixed(1)),
  ]),
);
const [small, large] = [seen[0], seen.at(-1)];
for (const name of names.filter((each) => !each.startsWith("worker"))) {
  const growth = (large?.peaks[name] ?? Number.NaN) / (small?.peaks[name] ?? Number.NaN);
  judge(
    growth <= mostGrowth,
    `${name}: ${growth.toFixed(2)} times as much at ${large?.lines} lines as at ${small?.lines}`,
  );
}
for (const { lines: count, callsAfter, leftAtFirst } of seen) {
  judge(callsAfter === 0, `of ${count} lines, ${callsAfter} were called after the answer to cancel`);
  judge(
    leftAtFirst > count * 0.9,
    `of ${count} lines, ${leftAtFirst} waited when the first results were read`,
  );
}
