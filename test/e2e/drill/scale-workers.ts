// Measures how throughput grows with workers, and that limits hold: `node test/e2e/drill/scale-workers.ts`.
// A drill and no test: what it prints depends on the machine.
import { promptLines, startBatch, toJsonl, untilEnded } from "../kit/batches.ts";
import { startTestCluster } from "../kit/cluster.ts";
import { row } from "../kit/print.ts";
import type { SimulatedCall, SimulatedStats } from "../kit/simulator-control.ts";

/** One measurement: a batch on a cluster of its own. */
interface Round {
  readonly workers: number;
  readonly lines: number;
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
}

const concurrency = 200;

/** The upstream takes about two seconds for a call: waiting for it is all that bounds a worker. */
const config = ({ requestsPerMinute, tokensPerMinute }: Round) => `
version: 1
providers:
  sim:
    kind: simulator
    ttft_ms: 1800
    tokens_per_second: 200
    requests_per_minute: ${requestsPerMinute}
    tokens_per_minute: ${tokensPerMinute}
    concurrency: ${concurrency}
pools:
  only: { targets: [{ id: only, provider: sim, model: sim-8b }] }
models:
  auto: { pools: [only] }
`;

async function measure(round: Round): Promise<string> {
  const { workers, lines, requestsPerMinute, tokensPerMinute } = round;
  const cluster = await startTestCluster({ config: config(round), workers });
  try {
    const id = await startBatch(cluster.api, toJsonl(promptLines(lines, { model: "auto" })));
    const batch = await untilEnded(cluster.openai, id);
    const simulator = cluster.simulators["sim"];
    if (simulator === undefined) throw new Error("the cluster has no simulator");
    const [calls, stats] = await Promise.all([simulator.calls(), simulator.stats()]);
    const seconds = secondsOf(calls);
    return row([
      workers,
      `${batch.request_counts?.completed} of ${lines}`,
      seconds.toFixed(1),
      (lines / seconds).toFixed(1),
      ...limitsOf(stats, { requestsPerMinute, tokensPerMinute }),
    ]);
  } finally {
    await cluster.stop();
  }
}

function limitsOf(
  stats: SimulatedStats,
  limits: Pick<Round, "requestsPerMinute" | "tokensPerMinute">,
): string[] {
  return [
    String(stats.throttled.total),
    `${stats.max_requests_60s} of ${limits.requestsPerMinute}`,
    `${stats.max_tokens_60s} of ${limits.tokensPerMinute}`,
    `${stats.max_concurrency} of ${concurrency}`,
  ];
}

/** From the arrival of the first call to the answer of the last. */
function secondsOf(calls: readonly SimulatedCall[]): number {
  const starts = calls.map((call) => Date.parse(call.at));
  const ends = calls.map((call) => Date.parse(call.at) + (call.duration_ms ?? 0));
  return (Math.max(...ends) - Math.min(...starts)) / 1000;
}

const unbound = { requestsPerMinute: 6_000, tokensPerMinute: 2_000_000 };
const rounds: Round[] = [
  { workers: 2, lines: 600, ...unbound },
  { workers: 4, lines: 600, ...unbound },
  { workers: 4, lines: 450, requestsPerMinute: 300, tokensPerMinute: 2_000_000 },
  { workers: 4, lines: 450, requestsPerMinute: 6_000, tokensPerMinute: 60_000 },
];

console.log(
  row([
    "workers",
    "lines",
    "seconds",
    "lines/s",
    "429s",
    "most requests in 60 s",
    "most tokens in 60 s",
    "most at once",
  ]),
);
console.log(row(Array.from({ length: 8 }, () => "---")));
for (const round of rounds) console.log(await measure(round));
