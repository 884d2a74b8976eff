// Empties a backlog through an upstream that keeps strict sliding windows, beside a plain BullMQ queue:
// `node test/e2e/drill/zero-429.ts [requests|tokens]`. Exits with 1 when more than 0.1 % of the calls were refused or less
// than 95 % of the limit was used. A drill and no test: it takes a quarter of an hour.
import { slidingUse, steadyPart } from "../../bench/measure/sliding-use.ts";
import { startBatch, toJsonl, untilEnded } from "../kit/batches.ts";
import { startTestCluster } from "../kit/cluster.ts";
import { mixedLines } from "../kit/mixed-lines.ts";
import { runPlainQueue } from "../kit/plain-queue.ts";
import { judge, percent, printTable } from "../kit/print.ts";
import type { SimulatedCall } from "../kit/simulator-control.ts";
import { startUpstreamProcess, type UpstreamProcess } from "../kit/upstream-process.ts";
import { workersTotal } from "../kit/worker-metrics.ts";

/** Limits of the upstream; one of them binds. */
interface Round {
  readonly binding: "requests" | "tokens";
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
}

/** A line takes about 220 tokens: either way the backlog is some four windows long. */
const rounds: Round[] = [
  { binding: "requests", requestsPerMinute: 1_800, tokensPerMinute: 2_000_000 },
  { binding: "tokens", requestsPerMinute: 6_000, tokensPerMinute: 400_000 },
];
const lines = mixedLines(7_500, { model: "auto" });
const workers = 4;
const concurrency = 16;
const mostRefused = 0.001;
const leastUsed = 0.95;
const longestMs = 1_800_000;

const config = (url: string, { requestsPerMinute, tokensPerMinute }: Round) => `
version: 1
providers:
  strict: { kind: openai, base_url: "${url}" }
pools:
  only:
    targets:
      - id: only
        provider: strict
        model: m
        limits: { requests_per_minute: ${requestsPerMinute}, tokens_per_minute: ${tokensPerMinute} }
models:
  auto: { pools: [only] }
`;

/** What a system did with the backlog. */
interface Run {
  readonly system: string;
  readonly calls: readonly SimulatedCall[];
  readonly succeeded: number;
  /** How often jobs were put back into the queue because there was no room, per line. */
  readonly putBack: string;
}

/** Has a system empty the backlog through an upstream of its own. */
async function onUpstream(
  round: Round,
  run: (upstream: UpstreamProcess) => Promise<Omit<Run, "calls">>,
): Promise<Run> {
  const upstream = await startUpstreamProcess({
    "ttft-ms": 300,
    "tokens-per-second": 400,
    "requests-per-minute": round.requestsPerMinute,
    "tokens-per-minute": round.tokensPerMinute,
  });
  try {
    const ended = await run(upstream);
    return { ...ended, calls: await upstream.calls() };
  } finally {
    await upstream.stop();
  }
}

async function runSluice({ url }: UpstreamProcess, round: Round): Promise<Omit<Run, "calls">> {
  const env = { SLUICE_WORKER_CONCURRENCY: String(concurrency) };
  const cluster = await startTestCluster({ config: config(url, round), workers, env });
  try {
    const id = await startBatch(cluster.api, toJsonl(lines));
    const batch = await untilEnded(cluster.openai, id, longestMs);
    const held = await workersTotal(cluster, "sluice_jobs_held_total");
    return {
      system: "Sluice",
      succeeded: batch.request_counts?.completed ?? 0,
      putBack: (held / lines.length).toFixed(1),
    };
  } finally {
    await cluster.stop();
  }
}

async function runBaseline({ url }: UpstreamProcess, round: Round): Promise<Omit<Run, "calls">> {
  const { requestsPerMinute } = round;
  const bodies = lines.map(({ body }) => body);
  const { succeeded } = await runPlainQueue({
    upstreamUrl: url,
    workers,
    concurrency,
    requestsPerMinute,
    bodies,
  });
  return { system: "BullMQ", succeeded, putBack: "–" };
}

/** Shares of a run: calls that were refused, and what of the binding limit was used in its steady part. */
function measure({ binding, requestsPerMinute, tokensPerMinute }: Round, { calls }: Run) {
  const limit = binding === "requests" ? requestsPerMinute : tokensPerMinute;
  const admitted = calls.filter(({ throttled }) => throttled === null);
  const charges = admitted.map((call) => ({
    at: Date.parse(call.at),
    amount: binding === "requests" ? 1 : call.input_tokens + call.output_tokens,
  }));
  const steady = steadyPart(charges, limit);
  const { least, mean, most } = slidingUse(charges, steady);
  return {
    throttled: calls.length - admitted.length,
    refused: 1 - admitted.length / calls.length,
    used: { least: least / limit, mean: mean / limit, most: most / limit },
    steadySeconds: (steady.until - steady.from) / 1_000,
    seconds: (Date.parse(calls.at(-1)?.at ?? "") - Date.parse(calls[0]?.at ?? "")) / 1_000,
  };
}

function cells(round: Round, run: Run): string[] {
  const { throttled, refused, used, steadySeconds, seconds } = measure(round, run);
  return [
    round.binding,
    run.system,
    `${run.succeeded} of ${lines.length}`,
    String(run.calls.length),
    `${throttled} (${percent(refused, 2)})`,
    percent(used.mean),
    `${percent(used.least)} – ${percent(used.most)}`,
    steadySeconds.toFixed(0),
    seconds.toFixed(0),
    run.putBack,
  ];
}

const head = [
  "binding limit",
  "system",
  "lines succeeded",
  "calls",
  "429s",
  "mean use, steady part",
  "least – most in 60 s",
  "steady part (s)",
  "first to last call (s)",
  "put back per line",
];

const asked = process.argv[2];
for (const round of rounds.filter(({ binding }) => asked === undefined || asked === binding)) {
  const sluice = await onUpstream(round, (upstream) => runSluice(upstream, round));
  const baseline = await onUpstream(round, (upstream) => runBaseline(upstream, round));
  printTable(head, [cells(round, sluice), cells(round, baseline)]);
  const { refused, used } = measure(round, sluice);
  judge(sluice.succeeded === lines.length, "every line succeeded");
  judge(refused <= mostRefused, `at most ${percent(mostRefused)} of the calls were refused`);
  judge(used.mean >= leastUsed, `at least ${percent(leastUsed, 0)} of the ${round.binding} were used`);
}
