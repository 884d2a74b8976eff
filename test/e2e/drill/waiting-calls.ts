import { startTestCluster } from "../kit/cluster.ts";
import { printTable } from "../kit/print.ts";

/** How long the upstream takes for each call of this drill, in ms, beside its first byte. */
const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 0, tokens_per_second: 1000000 }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b }] }
models:
  quick: { pools: [quick] }
`;

const calls = Number(process.argv[2] ?? 200);
const cluster = await startTestCluster({ config, workers: 1 });
const body = { model: "quick", messages: [{ role: "user", content: "Yes or no?" }], max_tokens: 5 };
const sla = { "x-sluice-sla": "interactive" };
const tookMs: number[] = [];
const upstreamMs: number[] = [];
try {
  for (let call = 0; call < calls + 20; call += 1) {
    const startedMs = performance.now();
    const { status, headers } = await cluster.api.post("/v1/chat/completions", body, sla);
    const endedMs = performance.now();
    if (status !== 200) throw new Error(`answered ${status}`);
    if (call < 20) continue;
    tookMs.push(endedMs - startedMs);
    const id = headers.get("x-sluice-job-id");
    upstreamMs.push((await cluster.api.get(`/v1/jobs/${id}/attempts`)).body.data[0].latency_ms);
  }
} finally {
  await cluster.stop();
}

const at = (values: readonly number[], share: number): string =>
  (values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0).toFixed(1);
const over = tookMs.map((ms, index) => ms - (upstreamMs[index] ?? 0));
printTable(
  ["one call at a time, ms", "p50", "p90", "p99"],
  [
    ["seen by the client", at(tookMs, 0.5), at(tookMs, 0.9), at(tookMs, 0.99)],
    ["the upstream's part", at(upstreamMs, 0.5), at(upstreamMs, 0.9), at(upstreamMs, 0.99)],
    ["Sluice's part", at(over, 0.5), at(over, 0.9), at(over, 0.99)],
  ],
);
