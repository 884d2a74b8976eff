// Lets one of two targets fail in the middle of a batch, each time in another way, and prints what happens second by
// second: `node test/e2e/drill/failover.ts [refused|hang|500|429]`. A drill and no test: it takes minutes.
import { setTimeout as delay } from "node:timers/promises";
import { type RunningSimulator, startSimulator } from "../../../apps/simulator/src/server.ts";
import { promptLines, startBatch, toJsonl, untilEnded } from "../kit/batches.ts";
import { startTestCluster } from "../kit/cluster.ts";

const lines = 7_000;
const callsBefore = 1_000;
const failingMs = 18_000;
const upstream = { ttftMs: 200, tokensPerSecond: 500, meanOutputTokens: 30 };

/** How a target fails, as a rule of its simulator; `refused` closes its port. */
const ways: Readonly<Record<string, string>> = {
  refused: "",
  hang: "hang:1",
  "500": "500:1",
  "429": "429;retry-after=30:1",
};

const config = (left: string, right: string) => `
version: 1
providers:
  left: { kind: openai, base_url: "${left}" }
  right: { kind: openai, base_url: "${right}" }
pools:
  twins:
    targets:
      - { id: left, provider: left, model: m, context_window: 100000 }
      - { id: right, provider: right, model: m, context_window: 100000 }
models:
  auto: { pools: [twins] }
`;

/** The target that fails: counts its calls over its lives. */
async function startFailing(rule: string) {
  let simulator: RunningSimulator = await startSimulator(upstream);
  const { url } = simulator;
  let callsOfBefore = 0;
  return {
    url,
    calls: () => callsOfBefore + simulator.stats().calls,
    async fail() {
      if (rule !== "") return simulator.setFaults({ rules: [rule] });
      await simulator.close(0);
    },
    async mend() {
      if (rule !== "") return simulator.setFaults({ rules: [] });
      callsOfBefore = simulator.stats().calls;
      simulator = await startSimulator({ ...upstream, port: Number(new URL(url).port) });
    },
    close: () => simulator.close(0),
  };
}

async function drill(way: string, rule: string): Promise<void> {
  const left = await startFailing(rule);
  const right = await startSimulator(upstream);
  const cluster = await startTestCluster({ workers: 2, config: config(left.url, right.url) });
  const { api, openai } = cluster;
  console.log(`\n${way}\nsecond  left  right  left's state`);
  const id = await startBatch(api, toJsonl(promptLines(lines, { model: "auto" })));
  const startedAt = performance.now();
  const said = (text: string) =>
    console.log(`${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(6)}  ${text}`);
  let ended = false;
  const batch = untilEnded(openai, id).finally(() => {
    ended = true;
  });
  let [phase, failedAt] = ["up", 0];
  let [leftCalls, rightCalls] = [0, 0];
  while (!ended) {
    await delay(1_000);
    const now = { left: left.calls(), right: right.stats().calls };
    const [target] = (await api.get("/v1/pools")).body.data[0].targets;
    const state =
      target.paused === null ? `breaker ${target.breaker.state}` : `paused: ${target.paused.reason}`;
    const columns = [now.left - leftCalls, now.right - rightCalls].map((calls) => String(calls).padStart(4));
    said(`${columns.join("   ")}   ${state}, ${target.in_flight} in flight`);
    [leftCalls, rightCalls] = [now.left, now.right];
    if (phase === "up" && leftCalls + rightCalls > callsBefore) {
      [phase, failedAt] = ["down", performance.now()];
      await left.fail();
      said("left fails");
    } else if (phase === "down" && performance.now() - failedAt > failingMs) {
      phase = "back";
      await left.mend();
      said("left is mended");
    }
  }
  const { status, request_counts: counts } = await batch;
  said(`${status}: ${counts?.completed} of ${counts?.total} succeeded`);
  await cluster.stop();
  await Promise.all([left.close(), right.close(0)]);
}

const asked = process.argv[2];
for (const [way, rule] of Object.entries(ways))
  if (asked === undefined || asked === way) await drill(way, rule);
