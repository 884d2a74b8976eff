// Measures what is used of a limit, and what waiting for it costs: `node test/e2e/drill/saturate.ts [seconds]`.
// A drill and no test: what it prints depends on the machine.
import { setTimeout as delay } from "node:timers/promises";
import { promptLines, startBatch, toJsonl } from "../kit/batches.ts";
import { startTestCluster } from "../kit/cluster.ts";
import { workersTotal } from "../kit/worker-metrics.ts";

const seconds = Number(process.argv[2] ?? 150);
const workers = 4;

interface Round {
  readonly name: string;
  readonly limits: string;
  readonly lines: number;
}

const rounds: Round[] = [
  { name: "requests: 600 a minute", limits: "requests_per_minute: 600", lines: 5_000 },
  { name: "tokens: 60,000 a minute", limits: "tokens_per_minute: 60000", lines: 5_000 },
  { name: "places: 16", limits: "concurrency: 16", lines: 5_000 },
];

const config = (limits: string) => `
version: 1
providers:
  sim:
    kind: simulator
    ttft_ms: 700
    tokens_per_second: 100
    ${limits}
pools:
  only: { targets: [{ id: only, provider: sim, model: sim-8b }] }
models:
  auto: { pools: [only] }
`;

async function measure({ name, limits, lines }: Round): Promise<void> {
  const cluster = await startTestCluster({ config: config(limits), workers });
  try {
    await startBatch(cluster.api, toJsonl(promptLines(lines, { model: "auto" })));
    await delay(seconds * 1_000);
    const stats = await cluster.simulators["sim"]?.stats();
    const [held, woken] = [
      await workersTotal(cluster, "sluice_jobs_held_total"),
      await workersTotal(cluster, "sluice_jobs_woken_total"),
    ];
    const { calls, throttled, max_requests_60s, max_tokens_60s, max_concurrency } = stats ?? {};
    const most = { max_requests_60s, max_tokens_60s, max_concurrency };
    console.log(JSON.stringify({ name, seconds, calls, throttled: throttled?.total, held, woken, ...most }));
  } finally {
    await cluster.stop();
  }
}

for (const round of rounds) await measure(round);
