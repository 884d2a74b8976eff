// A tenant arrives at a pool that another one has filled with 20,000 earlier deadlines, and should have its share of
// it at once: `node test/e2e/drill/fairness.ts [name of a round]`. Exits with 1 when it has not. A drill and no test:
// it takes minutes.
import { jainIndex } from "../../bench/measure/jain.ts";
import {
  largestServiceGap,
  type Service,
  type Shared,
  serviceByWindow,
  tokensWithin,
} from "../../bench/measure/service.ts";
import { promptLines, startBatch, toJsonl } from "../kit/batches.ts";
import { startTestCluster, type TestCluster } from "../kit/cluster.ts";
import { judge, printTable } from "../kit/print.ts";
import { addTenant } from "../kit/second-tenant.ts";
import type { SimulatedCall } from "../kit/simulator-control.ts";
import { chatJob, type ShownJob, submitJobs, untilJobsEnd } from "../kit/submit.ts";
import { until } from "../kit/until.ts";
import { startUpstreamProcess, type UpstreamProcess } from "../kit/upstream-process.ts";

/** One arrival. */
interface Round {
  readonly name: string;
  /** Pools of the alias that the first tenant uses; the second one's alias has `small` alone. */
  readonly firstPools: string;
  /** Jobs of the tenant that arrives. */
  readonly arriving: number;
  /** Its weight; the first one's is 1. */
  readonly weight: number;
  /** Longest answers of its jobs, in tokens; the first one's are of 32. */
  readonly answerTokens: number;
}

const rounds: Round[] = [
  { name: "few", firstPools: "small", arriving: 50, weight: 1, answerTokens: 32 },
  { name: "two-pools", firstPools: "small, large", arriving: 50, weight: 1, answerTokens: 32 },
  { name: "many", firstPools: "small", arriving: 2_000, weight: 1, answerTokens: 32 },
  { name: "long-answers", firstPools: "small", arriving: 700, weight: 1, answerTokens: 128 },
  { name: "heavier", firstPools: "small", arriving: 3_000, weight: 3, answerTokens: 32 },
];
const backlog = 20_000;
/** Calls that the pool takes at once. */
const places = 32;
const workers = 4;
const upstreamFlags = { "ttft-ms": 600, "tokens-per-second": 100, concurrency: places };
const leastJain = 0.98;
/** Of the ideal finish: by how much it may be missed. */
const [slackShare, slackMs] = [1.25, 2_000];
const longestMs = 1_200_000;

const config = (round: Round, urls: { small: string; large: string }) => `
version: 1
providers:
  small: { kind: openai, base_url: "${urls.small}" }
  large: { kind: openai, base_url: "${urls.large}" }
pools:
  small: { targets: [{ id: small, provider: small, model: m, limits: { concurrency: ${places} } }] }
  large: { targets: [{ id: large, provider: large, model: m, limits: { concurrency: ${places} } }] }
models:
  auto: { pools: [${round.firstPools}] }
  other: { pools: [small] }
  large: { pools: [large] }
tenants:
  second: { weight: ${round.weight} }
`;

/** What the shared pool's calls say about an arrival. */
interface Seen {
  readonly shared: Shared;
  /** From the first of its jobs until the last of its calls: both were backlogged. */
  readonly stretch: { readonly from: number; readonly until: number };
  readonly finishedAfterMs: number;
  readonly longestCallMs: number;
  readonly largestTokens: number;
}

async function drill(round: Round): Promise<void> {
  const small = await startUpstreamProcess(upstreamFlags);
  const large = await startUpstreamProcess(upstreamFlags);
  const cluster = await startTestCluster({
    workers,
    config: config(round, { small: small.url, large: large.url }),
  });
  try {
    report(round, await arrive(round, cluster, small));
  } finally {
    await cluster.stop();
    await Promise.all([small.stop(), large.stop()]);
  }
}

/** Lets the first tenant fill the pool and the second one arrive, and waits until the second one has its answers. */
async function arrive(round: Round, cluster: TestCluster, pool: UpstreamProcess): Promise<Seen> {
  const second = await addTenant(cluster, "second");
  await startBatch(cluster.api, toJsonl(promptLines(backlog, { model: "auto", maxTokens: 32 })));
  await until("the pool is full", async () => ((await pool.stats()).calls > 10 * places ? true : undefined));
  const arrivedAt = Date.now();
  const fields = { sla: "batch" };
  const bodies = Array.from({ length: round.arriving }, (_, index) =>
    chatJob({ model: "other", index, maxTokens: round.answerTokens }, fields),
  );
  const ids = await submitJobs(second, bodies);
  const jobs = await untilJobsEnd(second, ids, longestMs);
  return look(round, { jobs, calls: await pool.calls(), arrivedAt });
}

function look(
  round: Round,
  { jobs, calls, arrivedAt }: { jobs: ShownJob[]; calls: SimulatedCall[]; arrivedAt: number },
): Seen {
  const arrived = new Set(jobs.map(({ id }) => id));
  const [theirs = [], mine = []] = [true, false].map((second) =>
    calls.filter(
      ({ throttled, x_sluice_job_id }) => throttled === null && arrived.has(x_sluice_job_id ?? "") === second,
    ),
  );
  const services = (list: SimulatedCall[]): Service[] =>
    list.map((call) => ({ at: Date.parse(call.at), tokens: call.input_tokens + call.output_tokens }));
  const shared = {
    mine: services(mine),
    theirs: services(theirs),
    weights: { mine: 1, theirs: round.weight },
  };
  return {
    shared,
    stretch: { from: arrivedAt, until: Math.max(...shared.theirs.map(({ at }) => at)) },
    finishedAfterMs: Math.max(...jobs.map((job) => Date.parse(job.finished_at ?? ""))) - arrivedAt,
    longestCallMs: Math.max(...theirs.map((call) => call.duration_ms ?? 0)),
    largestTokens: Math.max(...[...shared.mine, ...shared.theirs].map(({ tokens }) => tokens)),
  };
}

const head = [
  "round",
  "B's jobs",
  "B done after (s)",
  "ideal (s)",
  "after all of A (s)",
  "tokens/s of A : B",
  "least Jain, 60 s",
  "largest gap (tokens)",
  "VTC bound",
];

function report(round: Round, seen: Seen): void {
  const { shared, stretch, finishedAfterMs } = seen;
  const seconds = (stretch.until - stretch.from) / 1_000;
  const [mine, theirs] = [shared.mine, shared.theirs].map((list) => tokensWithin(list, stretch) / seconds);
  const perSecond = (mine ?? 0) + (theirs ?? 0);
  const wanted = shared.theirs.reduce((sum, { tokens }) => sum + tokens, 0);
  const share = round.weight / (1 + round.weight);
  const idealMs = (wanted / (share * perSecond)) * 1_000 + seen.longestCallMs;
  const before = { from: 0, until: stretch.from };
  const meanTokens = mean(shared.mine.map(({ tokens }) => tokens));
  const allOfMine = ((backlog - countWithin(shared.mine, before)) * meanTokens + wanted) / perSecond;
  const jains = serviceByWindow(shared, stretch).map((window) => jainIndex([window.mine, window.theirs]));
  const gap = largestServiceGap(shared, stretch);
  const bound = 2 * places * seen.largestTokens;
  const cells = [
    round.name,
    round.arriving,
    (finishedAfterMs / 1_000).toFixed(1),
    (idealMs / 1_000).toFixed(1),
    allOfMine.toFixed(0),
    `${mine?.toFixed(0)} : ${theirs?.toFixed(0)}`,
    jains.length === 0 ? "–" : Math.min(...jains).toFixed(3),
    gap.toFixed(0),
    bound,
  ];
  printTable(head, [cells]);
  judge(
    finishedAfterMs <= idealMs * slackShare + slackMs,
    "the second tenant is done as if the pool were shared",
  );
  if (jains.length > 0)
    judge(Math.min(...jains) >= leastJain, `Jain's index is at least ${leastJain} in every 60 s`);
  judge(gap <= bound, "the difference in service stays within the bound");
}

function countWithin(services: readonly Service[], { from, until }: { from: number; until: number }): number {
  return services.filter(({ at }) => at >= from && at < until).length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const asked = process.argv[2];
for (const round of rounds) if (asked === undefined || asked === round.name) await drill(round);
