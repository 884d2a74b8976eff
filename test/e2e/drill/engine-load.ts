// Two engines serve one pool; other callers saturate one of them, then the other: `node test/e2e/drill/engine-load.ts`.
// Traffic must follow their metrics; exits with 1 when it does not. A drill and no test: it takes minutes.
import { setTimeout as delay } from "node:timers/promises";
import { promptLines, startBatch, toJsonl } from "../kit/batches.ts";
import { startTestCluster } from "../kit/cluster.ts";
import { judge, percent, printTable } from "../kit/print.ts";
import type { SimulatedCall } from "../kit/simulator-control.ts";
import { startUpstreamProcess, type UpstreamProcess } from "../kit/upstream-process.ts";

type Side = "left" | "right";

/** Whom others load meanwhile. */
interface Phase {
  readonly name: string;
  readonly loaded: Side | undefined;
}

const phases: Phase[] = [
  { name: "both idle", loaded: undefined },
  { name: "left saturated", loaded: "left" },
  { name: "right saturated", loaded: "right" },
  { name: "both idle again", loaded: undefined },
];
const phaseMs = 20_000;
/** Metrics are read every second and count for five; after that traffic has to have followed. */
const settleMs = 5_000;
const lines = 10_000;
const [workers, concurrency] = [2, 12];
/** An engine that serves 32 calls at once: all of ours, but not those of the others. */
const engine = {
  "ttft-ms": 150,
  "tokens-per-second": 100,
  "mean-output-tokens": 30,
  slots: 32,
  "kv-blocks": 2_000,
  tokenizer: "chars",
};
const othersAtOnce = 80;
/** A prompt of about 750 tokens: 32 of them take three quarters of the KV cache. */
const longPrompt = "Tell of the rivers. ".repeat(150);
const mostOfSaturated = 0.05;
const leastOfEven = 0.35;

const config = (urls: Readonly<Record<Side, string>>) => {
  const provider = (url: string) =>
    `{ kind: openai, base_url: "${url}", engine: { kind: vllm, metrics_url: "${new URL("/metrics", url)}" } }`;
  return `
version: 1
providers:
  left: ${provider(urls.left)}
  right: ${provider(urls.right)}
pools:
  engines:
    targets:
      - { id: left, provider: left, model: m, context_window: 100000 }
      - { id: right, provider: right, model: m, context_window: 100000 }
models:
  auto: { pools: [engines] }
`;
};

/** Calls an upstream past the cluster, one call after the other from each of many callers, until it is told to stop. */
function loadOf(url: string): { stop(): Promise<void> } {
  const controller = new AbortController();
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: longPrompt }] });
  const headers = { "content-type": "application/json" };
  const call = async (): Promise<void> => {
    while (!controller.signal.aborted) {
      const init = { method: "POST", headers, body, signal: controller.signal };
      await fetch(`${url}/chat/completions`, init).then(
        (answer) => answer.text(),
        () => undefined,
      );
    }
  };
  const callers = Array.from({ length: othersAtOnce }, call);
  return {
    async stop() {
      controller.abort();
      await Promise.all(callers);
    },
  };
}

/** When a phase was, in Unix milliseconds. */
interface Span extends Phase {
  readonly from: number;
  readonly until: number;
}

async function drill(upstreams: Readonly<Record<Side, UpstreamProcess>>): Promise<Span[]> {
  const urls = { left: upstreams.left.url, right: upstreams.right.url };
  const env = { SLUICE_WORKER_CONCURRENCY: String(concurrency) };
  const cluster = await startTestCluster({ config: config(urls), workers, env });
  const spans: Span[] = [];
  try {
    await startBatch(cluster.api, toJsonl(promptLines(lines, { model: "auto" })));
    await delay(settleMs);
    for (const phase of phases) {
      const from = Date.now();
      const load = phase.loaded === undefined ? undefined : loadOf(urls[phase.loaded]);
      await delay(phaseMs);
      spans.push({ ...phase, from, until: Date.now() });
      await load?.stop();
    }
    return spans;
  } finally {
    await cluster.stop();
  }
}

/** Our calls of a stretch of time. */
function countOf(calls: readonly SimulatedCall[], from: number, until: number): number {
  return calls.filter(
    ({ x_sluice_job_id, at }) => x_sluice_job_id !== null && Date.parse(at) >= from && Date.parse(at) < until,
  ).length;
}

/** Seconds until the loaded engine's share of a second's calls was within its bound; undefined when it never was. */
function secondsToFollow(calls: Readonly<Record<Side, SimulatedCall[]>>, span: Span): number | undefined {
  if (span.loaded === undefined) return undefined;
  for (let from = span.from; from < span.until; from += 1_000) {
    const [left, right] = [countOf(calls.left, from, from + 1_000), countOf(calls.right, from, from + 1_000)];
    const loaded = span.loaded === "left" ? left : right;
    if (loaded <= mostOfSaturated * (left + right)) return (from - span.from) / 1_000;
  }
  return undefined;
}

function report(calls: Readonly<Record<Side, SimulatedCall[]>>, spans: readonly Span[]): void {
  const seen = spans.map((span) => {
    const [from, until] = [span.from + settleMs, span.until];
    const [left, right] = [countOf(calls.left, from, until), countOf(calls.right, from, until)];
    return { span, left, right, share: left / (left + right) };
  });
  printTable(
    ["phase", "calls of left", "calls of right", "share of left", "followed within (s)"],
    seen.map(({ span, left, right, share }) => [
      span.name,
      left,
      right,
      percent(share),
      secondsToFollow(calls, span) ?? "–",
    ]),
  );
  for (const { span, share } of seen) {
    if (span.loaded === undefined)
      judge(share >= leastOfEven && share <= 1 - leastOfEven, `${span.name}: both get about half`);
    else {
      const saturated = span.loaded === "left" ? share : 1 - share;
      judge(saturated <= mostOfSaturated, `${span.name}: it gets at most ${percent(mostOfSaturated, 0)}`);
    }
  }
}

const upstreams = { left: await startUpstreamProcess(engine), right: await startUpstreamProcess(engine) };
try {
  const spans = await drill(upstreams);
  report({ left: await upstreams.left.calls(), right: await upstreams.right.calls() }, spans);
} finally {
  await Promise.all([upstreams.left.stop(), upstreams.right.stop()]);
}
