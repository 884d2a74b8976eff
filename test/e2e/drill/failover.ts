// Lets one of two targets fail in the middle of a batch, each time in another way, and prints what happens second by
// second: `node test/e2e/drill/failover.ts [refused|hang|500|429]`. Exits with 1 when a job is lost, traffic does not
// move, or the target comes back at full speed. A drill and no test: it takes minutes.
import { setTimeout as delay } from "node:timers/promises";
import { type RunningSimulator, startSimulator } from "../../../apps/simulator/src/server.ts";
import { promptLines, startBatch, toJsonl, untilEnded } from "../kit/batches.ts";
import { startTestCluster, type TestCluster } from "../kit/cluster.ts";
import { judge } from "../kit/print.ts";

const lines = 9_000;
const callsBefore = 1_000;
const failingMs = 18_000;
const longestMs = 600_000;
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

/** One second of a drill. */
interface Second {
  readonly phase: "up" | "down" | "back";
  readonly left: number;
  readonly right: number;
}

type Failing = Awaited<ReturnType<typeof startFailing>>;

/** Lets the left target fail in the middle of a batch, and says what came of it. */
async function drill(way: string, rule: string): Promise<void> {
  const left = await startFailing(rule);
  const right = await startSimulator(upstream);
  const cluster = await startTestCluster({ workers: 2, config: config(left.url, right.url) });
  console.log(`\n${way}\nsecond  left  right  left's state`);
  try {
    const id = await startBatch(cluster.api, toJsonl(promptLines(lines, { model: "auto" })));
    const ended = new AbortController();
    const batch = untilEnded(cluster.openai, id, longestMs).finally(() => ended.abort());
    const seconds = await watch(cluster, { left, right }, ended.signal);
    const { status, request_counts: counts } = await batch;
    console.log(`${status}: ${counts?.completed} of ${counts?.total} succeeded`);
    judge(counts?.completed === lines, "no job was lost or died");
    judgeSeconds(way, seconds);
  } finally {
    await cluster.stop();
    await Promise.all([left.close(), right.close(0)]);
  }
}

/** Prints each second; lets the left target fail once enough calls were made, and mends it some seconds later. */
async function watch(
  cluster: TestCluster,
  { left, right }: { left: Failing; right: RunningSimulator },
  ended: AbortSignal,
): Promise<Second[]> {
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  const say = (text: string): void => console.log(`${(elapsed() / 1_000).toFixed(0).padStart(6)}  ${text}`);
  const seconds: Second[] = [];
  let [phase, failedAt] = ["up" as Second["phase"], 0];
  let before = { left: 0, right: 0 };
  while (!ended.aborted) {
    await delay(1_000);
    const now = { left: left.calls(), right: right.stats().calls };
    const second = { phase, left: now.left - before.left, right: now.right - before.right };
    seconds.push(second);
    before = now;
    const columns = [second.left, second.right].map((calls) => String(calls).padStart(4));
    say(`${columns.join("   ")}   ${await stateOfLeft(cluster)}`);
    if (phase === "up" && now.left + now.right > callsBefore) {
      [phase, failedAt] = ["down", elapsed()];
      await left.fail();
      say("left fails");
    } else if (phase === "down" && elapsed() - failedAt > failingMs) {
      phase = "back";
      await left.mend();
      say("left is mended");
    }
  }
  return seconds;
}

async function stateOfLeft({ api }: TestCluster): Promise<string> {
  const [target] = (await api.get("/v1/pools")).body.data[0].targets;
  const state =
    target.paused === null ? `breaker ${target.breaker.state}` : `paused: ${target.paused.reason}`;
  return `${state}, ${target.in_flight} in flight`;
}

/** Seconds in which traffic may still move away. */
const movingSeconds = 3;
/** Calls a second that a failing target may get after that: probes. */
const mostWhileDown = 1;
/** Of the rate of both before: what goes on without the failing target, once a hanging one no longer fills the workers. */
const [recoveredSeconds, recoveredShare] = [10, 0.7];
/** Of its rate before it failed: what a target may get at most in each of its first seconds back. */
const [slowSeconds, slowShare] = [3, 0.5];

function judgeSeconds(way: string, seconds: readonly Second[]): void {
  // Before the batch was read there was nothing to do.
  const busy = seconds.slice(seconds.findIndex(({ left, right }) => left + right > 0) + 1);
  const rates = (phase: Second["phase"]) => busy.filter((second) => second.phase === phase);
  // The first second has the start of the batch in it.
  const usual = mean(
    rates("up")
      .slice(1)
      .map(({ left }) => left),
  );
  const down = rates("down").slice(movingSeconds);
  const strays = mean(down.map(({ left }) => left));
  judge(
    strays <= mostWhileDown,
    `${movingSeconds} s after it failed it got ${strays.toFixed(1)} calls a second (${usual.toFixed(0)} before)`,
  );
  const goesOn = mean(
    rates("down")
      .slice(recoveredSeconds)
      .map(({ right }) => right),
  );
  const both = mean(rates("up").map(({ left, right }) => left + right));
  judge(
    goesOn >= recoveredShare * both,
    `${recoveredSeconds} s after it failed ${goesOn.toFixed(0)} calls a second went on (${both.toFixed(0)} before)`,
  );
  const back = rates("back");
  const first = back.findIndex(({ left }) => left > 0);
  judge(first !== -1, `it was back ${first + 1} s after it was mended`);
  // A target that was only throttled is not broken: it may have all of its share at once.
  if (way === "429" || first === -1) return;
  const slowest = Math.max(...back.slice(first, first + slowSeconds).map(({ left }) => left));
  judge(
    slowest <= slowShare * usual,
    `it got at most ${slowest} calls in each of its first ${slowSeconds} s back`,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const asked = process.argv[2];
for (const [way, rule] of Object.entries(ways))
  if (asked === undefined || asked === way) await drill(way, rule);
